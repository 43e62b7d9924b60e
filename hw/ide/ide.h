/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDE as boards see it.
 *
 * Controllers: piix3-ide and piix4-ide (PCI function 1 of the south bridge: buses ide.0 and ide.1
 * with two units each; outputs 0 and 1 are IRQ 14 and 15, which they claim from the ISA bus when
 * the board connected nothing), ich9-ahci (buses ide.0 to ide.5 with one unit each).
 *
 * home: main loop.
 */
#ifndef HW_IDE_IDE_H
#define HW_IDE_IDE_H

#include "core/device.h"
#include "core/machine.h"

/* Bus n of a realized controller, NULL past the last. */
Bus *ide_bus_nth(Device *controller, unsigned n);

/* What firmware does after a reset of a PIIX controller, for boards without: both channels decode. */
void piix_ide_preset(Device *controller);

/* The drive there; NULL: none. An ide-cd or ide-hd, as its type says. */
Device *ide_bus_unit(Bus *bus, int unit);

/*
 * What CMOS wants to know of a disk: cylinders, heads, sectors, and the translation that the BIOS
 * shall use (0 none, 1 LBA, 2 large, 3 rechs). False for a CD drive.
 */
bool ide_drive_geometry(Device *drive, uint32_t *cylinders, uint32_t *heads, uint32_t *sectors,
                        int *translation);

#endif
