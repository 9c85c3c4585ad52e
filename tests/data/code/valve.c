/* The valve of the sea water tank: opened and closed by a motor, watched by two switches. */

#include <stdbool.h>
#include "valve.h"

#define STEPS_PER_TURN 200

/* What the motor is doing. */
typedef enum { VALVE_STILL, VALVE_OPENING, VALVE_CLOSING } valve_motion;

typedef struct {
    valve_motion motion;
    int steps;
    bool is_stuck;
} valve;

/* Turns the motor by one step; gives false if a switch says that it is at its end. */
static bool valve_step(valve *v, bool at_end)
{
    if (at_end) {
        v->motion = VALVE_STILL;
        return false;
    }
    v->steps += v->motion == VALVE_OPENING ? 1 : -1;
    return true;
}

/* Counts turns since the tank was filled, for the log. */
int *
valve_turns(const valve *v, int *turns)
{
    *turns = v->steps / STEPS_PER_TURN;
    return turns;
}

#ifdef WITH_ALARM
void valve_alarm(valve *v)
{
    v->is_stuck = true;
}
#endif
