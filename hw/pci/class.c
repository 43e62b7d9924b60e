/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of device classes: PCI Code and ID Assignment; IEEE 1275 PCI binding for firmware's names.
 */
#include "hw/pci/internal.h"

static const struct {
    uint16_t class;
    const char *desc, *firmware;
} classes[] = {
    {0x0001, "VGA controller", "display"},
    {0x0100, "SCSI controller", "scsi"},
    {0x0101, "IDE controller", "ide"},
    {0x0102, "Floppy controller", "fdc"},
    {0x0103, "IPI controller", "ipi"},
    {0x0104, "RAID controller", "raid"},
    {0x0106, "SATA controller", NULL},
    {0x0107, "SAS controller", NULL},
    {0x0180, "Storage controller", NULL},
    {0x0200, "Ethernet controller", "ethernet"},
    {0x0201, "Token Ring controller", "token-ring"},
    {0x0202, "FDDI controller", "fddi"},
    {0x0203, "ATM controller", "atm"},
    {0x0280, "Network controller", NULL},
    {0x0300, "VGA controller", "display"},
    {0x0301, "XGA controller", NULL},
    {0x0302, "3D controller", NULL},
    {0x0380, "Display controller", NULL},
    {0x0400, "Video controller", "video"},
    {0x0401, "Audio controller", "sound"},
    {0x0402, "Phone", NULL},
    {0x0403, "Audio controller", NULL},
    {0x0480, "Multimedia controller", NULL},
    {0x0500, "RAM controller", "memory"},
    {0x0501, "Flash controller", "flash"},
    {0x0580, "Memory controller", NULL},
    {0x0600, "Host bridge", "host"},
    {0x0601, "ISA bridge", "isa"},
    {0x0602, "EISA bridge", "eisa"},
    {0x0603, "MC bridge", "mca"},
    {0x0604, "PCI bridge", "pci-bridge"},
    {0x0605, "PCMCIA bridge", "pcmcia"},
    {0x0606, "NUBUS bridge", "nubus"},
    {0x0607, "CARDBUS bridge", "cardbus"},
    {0x0608, "RACEWAY bridge", NULL},
    {0x0680, "Bridge", NULL},
    {0x0700, "Serial port", "serial"},
    {0x0701, "Parallel port", "parallel"},
    {0x0800, "Interrupt controller", "interrupt-controller"},
    {0x0801, "DMA controller", "dma-controller"},
    {0x0802, "Timer", "timer"},
    {0x0803, "RTC", "rtc"},
    {0x0900, "Keyboard", "keyboard"},
    {0x0901, "Pen", "pen"},
    {0x0902, "Mouse", "mouse"},
    {0x0c00, "Firewire controller", "firewire"},
    {0x0c01, "Access bus controller", "access-bus"},
    {0x0c02, "SSA controller", "ssa"},
    {0x0c03, "USB controller", "usb"},
    {0x0c04, "Fibre channel controller", "fibre-channel"},
    {0x0c05, "SMBus", NULL},
};

const char *pci_class_desc(uint16_t class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        if (classes[i].class == class) {
            return classes[i].desc;
        }
    }
    return NULL;
}

const char *pci_class_firmware(uint16_t class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        if (classes[i].class == class) {
            return classes[i].firmware;
        }
    }
    return NULL;
}
