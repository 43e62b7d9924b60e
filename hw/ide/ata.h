/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ATA device: what PIIX's taskfile and AHCI's FISes drive. See ata.c.
 *
 * A controller makes an AtaTask of the register block that the host wrote, starts it, and moves
 * its data as it likes. home: the machine's lock domain.
 */
#ifndef HW_IDE_ATA_H
#define HW_IDE_ATA_H

#include "base/bits.h"
#include "hw/ide/ide.h"
#include "hw/scsi/scsi.h"

#define ATA_SECTOR 512

enum { /* status */
    ATA_ERR = 0x01, ATA_DRQ = 0x08, ATA_DSC = 0x10, ATA_DF = 0x20, ATA_DRDY = 0x40, ATA_BSY = 0x80,
};
enum { /* error */
    ATA_ABRT = 0x04, ATA_IDNF = 0x10, ATA_MC = 0x20, ATA_WP = 0x40, ATA_UNC = 0x40, ATA_ICRC = 0x80,
};
#define ATA_DEV   0x10 /* device register: unit 1 */
#define ATA_LBA   0x40
#define ATA_NIEN  0x02 /* device control */
#define ATA_SRST  0x04
#define ATA_HOB   0x80

/* The command block; [1] is the previous content of the two-byte FIFOs. */
typedef struct AtaRegs {
    uint8_t feature[2], count[2], lbal[2], lbam[2], lbah[2];
    uint8_t device, command, status, error;
} AtaRegs;

typedef enum AtaProto { /* of a command */
    ATA_NON_DATA, ATA_PIO_IN, ATA_PIO_OUT, ATA_DMA, ATA_PACKET, ATA_NCQ, ATA_RESET, ATA_DIAGNOSTIC,
} AtaProto;

typedef struct IdeDrive IdeDrive;
typedef struct AtaTask AtaTask;
struct AtaTask {
    ScsiTask s;          /* the data phase: dir, len, moved */
    IdeDrive *drive;
    AtaRegs regs;        /* as written; on_done: the results, with status and error */
    void (*on_moved)(AtaTask *t);
    void (*on_done)(AtaTask *t);
    void *hba;
    AtaProto proto;
    uint32_t drq;        /* PIO: bytes of a DRQ block */
    bool packet_dma;     /* PACKET: feature DMA */
    bool lba48;
    uint64_t lba;
    uint32_t count;      /* sectors, 1..65536 */
};

/* The state machine of the taskfile; see channel.c. */
typedef enum IdePhase {
    IDE_IDLE, IDE_BUSY, IDE_FETCH, IDE_PIO_IN, IDE_PIO_OUT, IDE_STORE, IDE_DMA_WAIT, IDE_DMA, IDE_CDB,
    IDE__PHASES,
} IdePhase;

#define IDE_PIO_MAX 65536
#define ATAPI_CDB   12

struct IdeDrive {
    Device dev;
    uint32_t unit;       /* properties */
    char *model;
    int chs_trans;
    ScsiLu lu;
    /* state of the device */
    uint8_t multiple;    /* sectors of a DRQ block of READ MULTIPLE; 0: disabled */
    uint8_t xfer_mode;   /* as SET FEATURES 03h says */
    uint8_t heads, secs; /* the translation in force */
    uint8_t smart, standby;
    uint8_t log_error[18]; /* log 10h: the queued command that failed; [0] & 80h: none */
    /* state of the taskfile interface */
    AtaRegs regs;
    AtaRegs cmd;         /* as it was when the command was written */
    uint8_t cdb[ATAPI_CDB];
    uint8_t phase;       /* IdePhase */
    uint8_t intrq;
    uint8_t finished;    /* the command's end is known, the host still reads data */
    uint8_t end_status, end_error;
    uint64_t done, len;  /* bytes of the data phase: moved before this block, all */
    uint32_t pio_pos, pio_len;
    uint8_t pio[IDE_PIO_MAX];
    /* host */
    bool cd;
    AtaTask *task;       /* of the taskfile interface */
    struct iovec pio_iov;
    char serial[24];
};

/* ---- ata.c, identify.c ---- */
/* The device's settings after power-on or a reset. hard: everything; else as SRST leaves it. */
void ata_reset(IdeDrive *d, bool hard);
/* Registers with the device's signature, status and diagnostic code. */
void ata_signature(IdeDrive *d, AtaRegs *r);
/*
 * Begins the command in t->regs; proto and drq are set. As scsi_task_start(): true if data (or
 * for ATA_PACKET the packet) has to be moved. ATA_NCQ commands are accepted too.
 */
bool ata_start(AtaTask *t);
/* The packet of an ATA_PACKET command arrived: as scsi_task_start(). */
bool ata_packet(AtaTask *t, const uint8_t *cdb);
void ata_task_init(AtaTask *t, IdeDrive *d, const AtaRegs *regs);
/* Ends the task unsuccessfully. */
bool ata_abort(AtaTask *t, uint8_t error);
/* A command whose whole data, 512 bytes, are IDENTIFY's. */
void ata_identify(IdeDrive *d, uint8_t *out);
void ata_identify_packet(IdeDrive *d, uint8_t *out);
/* smart.c: SMART, READ LOG EXT. */
bool ata_smart(AtaTask *t);
bool ata_read_log(AtaTask *t);
bool ata_reply_sectors(AtaTask *t, uint32_t len); /* PIO in of the task's buffer */
/* A queued command failed: for log 10h. */
void ata_log_ncq_error(IdeDrive *d, unsigned tag, const AtaRegs *r);
uint64_t ata_sectors(const IdeDrive *d);

/* ---- the bus ---- */
typedef struct IdeBus IdeBus;
struct IdeBus {
    Bus bus;
    unsigned units;      /* there can be */
    unsigned index;      /* of the controller's buses */
    bool ncq;            /* the controller queues */
    IdeDrive *drive[2];
    /* A drive came, before the machine runs; optional. Machine locked. */
    void (*attached)(IdeBus *b);
};
void ide_bus_init(IdeBus *b, Device *owner, unsigned index, unsigned units, bool ncq);
void ide_bus_fini(IdeBus *b);

/* ---- sg.c: guest memory of a transfer ---- */
typedef struct PciDevice PciDevice;
typedef struct IdeSg {
    GArray *iov;         /* struct iovec */
    GArray *range;       /* addr, len: to mark as written */
    uint64_t bytes;
    bool to_guest;
} IdeSg;
void ide_sg_init(IdeSg *sg, bool to_guest);
/* Adds guest memory; false: not RAM, or no bus mastering. */
bool ide_sg_add(IdeSg *sg, PciDevice *pci, uint64_t addr, uint64_t len);
/* The transfer moved this many bytes: marks them written. Empties the list. */
void ide_sg_done(IdeSg *sg, PciDevice *pci, uint64_t bytes);
void ide_sg_fini(IdeSg *sg);

#endif
