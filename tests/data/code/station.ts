// Stations and what they measure.

export interface Station {
  name: string;
  depth: number;
  sensors: string[];
}

/** Sorts stations from the shallowest to the deepest. */
export function byDepth(stations: Station[]): Station[] {
  return [...stations].sort((a, b) => a.depth - b.depth);
}

export abstract class Network {
  private stations = new Map<string, Station>();

  /** Adds a station; two of the same name are one station, and the later one counts. */
  add(station: Station): void {
    this.stations.set(station.name, station);
  }

  /** Names of the stations that have a sensor of this kind, in the order they were added. */
  withSensor(sensor: string): string[] {
    const found = [...this.stations.values()].filter((s) => s.sensors.includes(sensor));
    return found.map((station) => station.name);
  }

  abstract send(message: string): Promise<void>;
}

namespace Limits {
  export const deepest = 4000;
}
