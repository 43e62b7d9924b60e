/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices as PCI functions: "virtio-X-pci" and its two siblings are made of the
 * DeviceType of "virtio-X-device" by one line.
 */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci/pci.h"
#include "hw/virtio/bus.h"

extern const Property virtio_pci_props[], virtio_pci_fixed_props[];
extern const StateField virtio_pci_state[];
bool virtio_pci_realize(Device *d, Error **errp);
bool virtio_pci_transitional_realize(Device *d, Error **errp);
bool virtio_pci_modern_realize(Device *d, Error **errp);
void virtio_pci_unrealize(Device *d);
void virtio_pci_reset_hold(Device *d);
void virtio_pci_outputs(Device *d);
bool virtio_pci_post_load(Device *d, int version, Error **errp);

#define VIRTIO_PCI_SIZE (sizeof(VirtioPci))
#define VIRTIO_PCI_TYPE_(sym, name_, alias_, help_, inner_, needs_, props_, realize_) \
    static const DeviceType sym = {                                           \
        .name = name_,                                                        \
        .alias = alias_,                                                      \
        .help = help_,                                                        \
        .bus = "pci",                                                         \
        .size = VIRTIO_PCI_SIZE,                                              \
        .version = 1,                                                         \
        .user_creatable = true,                                               \
        .inner = inner_,                                                      \
        .needs = needs_,                                                      \
        .props = props_,                                                      \
        .state = virtio_pci_state,                                            \
        .realize = realize_,                                                  \
        .unrealize = virtio_pci_unrealize,                                    \
        .reset_hold = virtio_pci_reset_hold,                                  \
        .outputs = virtio_pci_outputs,                                        \
        .post_load = virtio_pci_post_load,                                    \
    };                                                                        \
    DEVICE_TYPE(sym)
/*
 * name: "virtio-blk", also the alias of the first of them; help: one line; inner: &virtio_blk_type. Numbers of the PCI identity come
 * from the device's virtio id. needs: as DeviceType's, or NULL.
 */
#define VIRTIO_PCI_TYPES_NEEDING(sym, name, help, inner, needs)                                \
    VIRTIO_PCI_TYPE_(sym##_pci, name "-pci", name, help, inner, needs, virtio_pci_props,       \
                     virtio_pci_realize);                                                      \
    VIRTIO_PCI_TYPE_(sym##_pci_transitional, name "-pci-transitional", NULL,                   \
                     help ", for old drivers too", inner, needs, virtio_pci_fixed_props,       \
                     virtio_pci_transitional_realize);                                         \
    VIRTIO_PCI_TYPE_(sym##_pci_modern, name "-pci-non-transitional", NULL,                     \
                     help ", virtio 1.0 only", inner, needs, virtio_pci_fixed_props,           \
                     virtio_pci_modern_realize)
#define VIRTIO_PCI_TYPES(sym, name, help, inner) \
    VIRTIO_PCI_TYPES_NEEDING(sym, name, help, inner, NULL)

typedef struct VirtioPci {
    PciDevice pci;
    /* properties */
    int disable_legacy;
    bool disable_modern, ioeventfd, page_per_vq;
    uint32_t vectors;
    /* saved */
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select;
    /* host */
    VirtioBus vbus;
    bool modern, legacy;
    uint16_t cfg_cap; /* of the window in configuration space */
    AddressSpace *dma;
    MemoryRegion *doorbells, *legacy_doorbell; /* NULL: not that interface */
    GSource *intx; /* main loop: look at the pin */
} VirtioPci;

#endif
