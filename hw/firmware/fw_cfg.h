/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware configuration: what the board tells SeaBIOS, OVMF and Linux.
 *
 * home: items are added on the main loop before the machine runs.
 */
#ifndef HW_FIRMWARE_FW_CFG_H
#define HW_FIRMWARE_FW_CFG_H

#include "core/device.h"

extern const DeviceType fw_cfg_type;     /* on I/O ports */
extern const DeviceType fw_cfg_mem_type; /* in memory space, at its property "base" */

/* Numbered items. */
enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ARCH_LOCAL = 0x8000,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

/* Copies the data; a key or name given again replaces the old contents. Little endian numbers. */
void fw_cfg_add_item(Device *d, uint16_t key, const void *data, size_t len);
void fw_cfg_add_number(Device *d, uint16_t key, uint64_t value, unsigned size);
/* false with *errp: the name is too long or the directory is full. */
bool fw_cfg_add_file(Device *d, const char *name, const void *data, size_t len, Error **errp);

bool fw_cfg_has_file(Device *d, const char *name);

/* A file that the guest may write by DMA. written is called after each transfer, machine locked. */
typedef void FwCfgWritten(void *opaque, const uint8_t *data, size_t len);
bool fw_cfg_add_file_writable(Device *d, const char *name, const void *data, size_t len,
                              FwCfgWritten *written, void *opaque, Error **errp);
/* A file whose contents are made when the guest selects it (at offset 0), machine locked. */
typedef void FwCfgSelected(void *opaque, Device *d);
bool fw_cfg_add_file_callback(Device *d, const char *name, const void *data, size_t len,
                              FwCfgSelected *selected, void *opaque, Error **errp);

#endif
