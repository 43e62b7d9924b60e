/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machine generation ID: a number in guest memory that is another one whenever a machine
 * goes on from a saved state, so that a guest does not use a random seed or a transaction twice.
 */
#ifndef HW_ACPI_VMGENID_H
#define HW_ACPI_VMGENID_H

#include "core/device.h"
#include "hw/acpi/aml.h"

#define VMGENID_GUID_FILE "etc/vmgenid_guid" /* the page that firmware places */
#define VMGENID_ADDR_FILE "etc/vmgenid_addr" /* where firmware tells the page's address */
#define VMGENID_PAGE      4096
#define VMGENID_GPE       5 /* bit of GPE0 that says that the number changed */

extern const DeviceType vmgenid_type;

/* The machine's device, or NULL. */
Device *vmgenid_find(Machine *m);
/*
 * The contents of the page, VMGENID_PAGE bytes, to be placed by a board without firmware, which
 * then says where with vmgenid_placed(). Machine locked or main loop.
 */
void vmgenid_page(Device *d, uint8_t *page);
void vmgenid_placed(Device *d, hwaddr page);
/*
 * \_SB.VGEN, and _E05 in \_GPE if there is one. Returns where in a->out the page's address belongs,
 * 4 bytes.
 */
uint32_t vmgenid_aml(Aml *a, bool gpe);

#endif
