package org.example.sea;

import java.util.ArrayList;
import java.util.List;

/** Takes water samples on a schedule and labels the bottles. */
public class Sampler {
    private final List<String> labels = new ArrayList<>();
    private int bottle;

    public Sampler(int firstBottle) {
        this.bottle = firstBottle;
    }

    /**
     * Fills a bottle and gives its label; depth in metres below the surface.
     */
    @Deprecated
    public String sample(double depth) {
        String label = String.format("B%03d-%.1f", bottle++, depth);
        labels.add(label);
        return label;
    }

    /** What is done with bottles that are full. */
    interface Storage {
        void store(String label);
    }

    /** Throws away the labels of a cruise that was cut short by weather. */
    public void discard() {
        labels.clear();
    }
}
