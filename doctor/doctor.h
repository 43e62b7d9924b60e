/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `rhea doctor`: does hardware acceleration work on this host, and if not, why.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include <stdbool.h>

typedef enum DoctorStatus {
    DOCTOR_USABLE = 0,   /* KVM works */
    DOCTOR_UNUSABLE = 1, /* it does not */
    DOCTOR_USAGE = 2,    /* wrong arguments; also: the answer could not be written */
    DOCTOR_WARNINGS = 3, /* it works, but --strict asked to tell warnings from none */
} DoctorStatus;

/*
 * Runs the command with the arguments after its name; prints to stdout and stderr.
 * @have_accel: this program has an accelerator named kvm. Main thread.
 */
DoctorStatus doctor_main(int argc, char **argv, bool have_accel);

#endif
