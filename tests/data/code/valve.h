#ifndef VALVE_H
#define VALVE_H

struct valve_log {
    int opened;
    int closed;
};

void valve_alarm(void *v);

#endif
