/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a processor with EL3 and EL2 through the system registers of a GICv3, at each Exception level and in both Security
 * states, and prints what it finds: values, traps with their syndromes, which interrupts are signalled how. Compared with
 * another emulator line by line (armgic.py); what is known to differ is masked here.
 */
typedef unsigned long u64;
typedef unsigned u32;

#define NOTE  (*(volatile u64 *)0x40010000)
#define TAKEN (*(volatile u64 *)0x40010008)
#define REG32(a) (*(volatile u32 *)(u64)(a))
#define DIST   0x08000000
#define REDIST 0x080a0000
#define SGI    (REDIST + 0x10000)

#define SECURE_EL1 0x400, 0x3c5 /* SCR_EL3, SPSR_EL3 */
#define NS_EL1     0x401, 0x3c5
#define NS_EL2     0x401, 0x3c9

void down(u64 scr, u64 spsr);
void up(void);
void main(void);

static void put(char c)
{
    REG32(0x09000000) = c;
}

static void text(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void show(const char *name, u64 v)
{
    text(name);
    text(NOTE ? " trap " : " ");
    v = NOTE ? NOTE : v;
    for (int i = 60; i >= 0; i -= 4) {
        put("0123456789abcdef"[v >> i & 15]);
    }
    put('\n');
    NOTE = 0;
}

#define READ(name, reg, mask)                                       \
    do {                                                            \
        u64 v_ = 0;                                                 \
        __asm__ volatile("mrs %0, " reg : "+r"(v_) : : "memory");   \
        show(name, v_ & (mask));                                    \
    } while (0)
#define WRITE(name, reg, value)                                     \
    do {                                                            \
        u64 v_ = value;                                             \
        __asm__ volatile("msr " reg ", %0\n isb" : : "r"(v_) : "memory"); \
        if (NOTE) {                                                 \
            show("write " name, 0);                                 \
        }                                                           \
    } while (0)
#define BOTH(name, reg, value, mask) do { WRITE(name, reg, value); READ(name, reg, mask); } while (0)

#define ALL ~0ul
#define PMR "S3_0_C4_C6_0"
#define IAR0 "S3_0_C12_C8_0"
#define EOIR0 "S3_0_C12_C8_1"
#define HPPIR0 "S3_0_C12_C8_2"
#define BPR0 "S3_0_C12_C8_3"
#define AP0R0 "S3_0_C12_C8_4"
#define AP1R0 "S3_0_C12_C9_0"
#define DIR "S3_0_C12_C11_1"
#define RPR "S3_0_C12_C11_3"
#define SGI1R "S3_0_C12_C11_5"
#define ASGI1R "S3_0_C12_C11_6"
#define SGI0R "S3_0_C12_C11_7"
#define IAR1 "S3_0_C12_C12_0"
#define EOIR1 "S3_0_C12_C12_1"
#define HPPIR1 "S3_0_C12_C12_2"
#define BPR1 "S3_0_C12_C12_3"
#define CTLR_EL1 "S3_0_C12_C12_4"
#define SRE_EL1 "S3_0_C12_C12_5"
#define IGRPEN0 "S3_0_C12_C12_6"
#define IGRPEN1 "S3_0_C12_C12_7"
#define SRE_EL2 "S3_4_C12_C9_5"
#define CTLR_EL3 "S3_6_C12_C12_4"
#define SRE_EL3 "S3_6_C12_C12_5"
#define IGRPEN1_EL3 "S3_6_C12_C12_7"
#define ICH_HCR "S3_4_C12_C11_0"
#define ICH_VMCR "S3_4_C12_C11_7"
#define ICH_LR0 "S3_4_C12_C12_0"
#define ICH_LR1 "S3_4_C12_C12_1"
#define ICH_ELRSR "S3_4_C12_C11_5"

static void all(const char *where)
{
    text(where);
    put('\n');
    READ("PMR", PMR, 0xff); /* the other emulator keeps more bits */
    READ("BPR0", BPR0, ALL);
    READ("AP0R0", AP0R0, ALL);
    READ("AP0R1", "S3_0_C12_C8_5", ALL);
    READ("AP1R0", AP1R0, ALL);
    READ("AP1R1", "S3_0_C12_C9_1", ALL);
    READ("RPR", RPR, ALL);
    READ("HPPIR0", HPPIR0, ALL);
    READ("HPPIR1", HPPIR1, ALL);
    READ("BPR1", BPR1, ALL);
    READ("CTLR_EL1", CTLR_EL1, ALL);
    READ("SRE_EL1", SRE_EL1, ALL);
    READ("IGRPEN0", IGRPEN0, ALL);
    READ("IGRPEN1", IGRPEN1, ALL);
    READ("SRE_EL2", SRE_EL2, ALL);
    READ("CTLR_EL3", CTLR_EL3, ALL);
    READ("SRE_EL3", SRE_EL3, ALL);
    READ("IGRPEN1_EL3", IGRPEN1_EL3, ALL);
    READ("ICH_AP0R0", "S3_4_C12_C8_0", ALL);
    READ("ICH_AP0R1", "S3_4_C12_C8_1", ALL);
    READ("ICH_AP1R0", "S3_4_C12_C9_0", ALL);
    READ("ICH_HCR", ICH_HCR, ALL);
    READ("ICH_VTR", "S3_4_C12_C11_1", ALL);
    READ("ICH_MISR", "S3_4_C12_C11_2", ALL);
    READ("ICH_EISR", "S3_4_C12_C11_3", ALL);
    READ("ICH_ELRSR", ICH_ELRSR, ALL);
    READ("ICH_VMCR", ICH_VMCR, ALL);
    READ("ICH_LR0", ICH_LR0, ALL);
    READ("ICH_LR4", "S3_4_C12_C12_4", ALL);
    READ("write only: EOIR1", EOIR1, ALL);
    READ("write only: DIR", DIR, ALL);
    READ("write only: SGI1R", SGI1R, ALL);
}

/* Ones and zeroes into what is there; SGIs 1 to 5 to itself. */
static void fill(int virtual)
{
    BOTH("PMR", PMR, ALL, 0xff);
    BOTH("BPR0", BPR0, 0, ALL);
    BOTH("BPR1", BPR1, 0, ALL);
    if (!virtual) { /* the other emulator makes the smallest of it */
        BOTH("BPR1", BPR1, ALL, ALL);
    }
    BOTH("CTLR_EL1", CTLR_EL1, ALL, ALL);
    READ("BPR1", BPR1, ALL);
    WRITE("CTLR_EL1", CTLR_EL1, 0);
    WRITE("BPR1", BPR1, 0);
    BOTH("IGRPEN1", IGRPEN1, ALL, ALL);
    BOTH("IGRPEN0", IGRPEN0, ALL, ALL);
    BOTH("SRE_EL1", SRE_EL1, 0, ALL);
    WRITE("SGI1R", SGI1R, 1ul << 24 | 1);
    WRITE("SGI1R", SGI1R, 2ul << 24 | 1);
    WRITE("SGI1R", SGI1R, 3ul << 24 | 1);
    WRITE("ASGI1R", ASGI1R, 5ul << 24 | 1);
    WRITE("SGI0R", SGI0R, 4ul << 24 | 1);
}

static void hypervisor(void)
{
    down(NS_EL2);
    all("Non-secure EL2");
    fill(0);
    BOTH("ICH_VMCR", ICH_VMCR, ALL, 0xf8ffffff);
    BOTH("ICH_VMCR", ICH_VMCR, 0, ALL);
    BOTH("ICH_HCR", ICH_HCR, ALL, ALL);
    READ("ICH_MISR", "S3_4_C12_C11_2", ALL);
    WRITE("ICH_HCR", ICH_HCR, 0);
    BOTH("ICH_LR0", ICH_LR0, ALL, 0xf0f803ffffffffff);
    WRITE("ICH_LR0", ICH_LR0, 1ul << 41);
    READ("ICH_ELRSR", ICH_ELRSR, ALL);
    READ("ICH_EISR", "S3_4_C12_C11_3", ALL);
    WRITE("ICH_LR0", ICH_LR0, 0);
    up();
}

/* Two virtual interrupts: acknowledged, ended by the wrong register, ended without a list register. */
static void virtual_machine(void)
{
    __asm__ volatile("msr hcr_el2, %0\n isb" : : "r"(1ul << 31 | 0x18));
    down(NS_EL1);
    all("virtual machine");
    fill(1);
    up();
    down(NS_EL2);
    WRITE("ICH_LR0", ICH_LR0, 1ul << 62 | 1ul << 60 | 0x80ul << 48 | 40);
    WRITE("ICH_LR1", ICH_LR1, 1ul << 62 | 0x40ul << 48 | 41);
    WRITE("ICH_VMCR", ICH_VMCR, 0xf8000003);
    WRITE("ICH_HCR", ICH_HCR, 1);
    up();
    down(NS_EL1);
    READ("ISR_EL1", "isr_el1", ALL);
    READ("HPPIR0", HPPIR0, ALL);
    READ("HPPIR1", HPPIR1, ALL);
    READ("IAR1", IAR1, ALL);
    READ("IAR0", IAR0, ALL);
    READ("RPR", RPR, ALL);
    READ("AP0R0", AP0R0, ALL);
    READ("ISR_EL1", "isr_el1", ALL);
    WRITE("EOIR1", EOIR1, 41);
    READ("RPR", RPR, ALL);
    WRITE("EOIR0", EOIR0, 41);
    READ("RPR", RPR, ALL);
    READ("IAR1", IAR1, ALL);
    WRITE("EOIR1", EOIR1, 99);
    READ("RPR", RPR, ALL);
    up();
    down(NS_EL2);
    READ("ICH_HCR", ICH_HCR, ALL);
    READ("ICH_LR0", ICH_LR0, ALL);
    READ("ICH_LR1", ICH_LR1, ALL);
    READ("ICH_ELRSR", ICH_ELRSR, ALL);
    up();
}

static void traps(void)
{
    for (int bit = 10; bit < 15; bit++) {
        down(NS_EL2);
        WRITE("ICH_HCR", ICH_HCR, 1ul << bit);
        up();
        down(NS_EL1);
        show("traps by bit", bit);
        READ("PMR", PMR, 0xff);
        READ("CTLR_EL1", CTLR_EL1, ALL);
        READ("HPPIR0", HPPIR0, ALL);
        READ("HPPIR1", HPPIR1, ALL);
        READ("SRE_EL1", SRE_EL1, ALL);
        WRITE("DIR", DIR, 1023);
        WRITE("SGI1R", SGI1R, 0);
        up();
    }
    down(NS_EL2);
    WRITE("ICH_HCR", ICH_HCR, 0);
    up();
    __asm__ volatile("msr hcr_el2, %0\n isb" : : "r"(1ul << 31));
}

/* ---- what an interrupt of each group looks like from everywhere ---- */

static void seen(const char *where)
{
    show(where, TAKEN);
    TAKEN = 0;
    READ("ISR_EL1", "isr_el1", ALL);
    READ("HPPIR0", HPPIR0, ALL);
    READ("HPPIR1", HPPIR1, ALL);
    READ("RPR", RPR, ALL);
    READ("PMR", PMR, 0xff);
}

static void look(const char *where, u64 scr, u64 spsr)
{
    down(scr, spsr);
    seen(where);
    up();
}

static void signalled(const char *group, int sgi)
{
    text(group);
    put('\n');
    REG32(SGI + 0x200) = 1u << sgi;
    seen("EL3");
    look("Secure EL1", SECURE_EL1);
    look("Non-secure EL2", NS_EL2);
    look("Non-secure EL1", NS_EL1);
    look("Non-secure EL2, both routed to EL3", 0x407, 0x3c9);
    look("Non-secure EL1, both routed to EL3", 0x407, 0x3c5);
    look("Non-secure EL1, FIQ routed to EL3", 0x405, 0x3c5);
    look("Secure EL1, both routed to EL3", 0x406, 0x3c5);
    __asm__ volatile("msr scr_el3, %0\n isb" : : "r"(0x400ul));
    REG32(SGI + 0x280) = 0xffff;
}

/* A Non-secure interrupt, acknowledged at EL3, its priority and its end as others see them. */
static void acknowledge(void)
{
    REG32(SGI + 0x200) = 2;
    down(SECURE_EL1);
    READ("Secure IAR1", IAR1, ALL);
    READ("Secure IAR0", IAR0, ALL);
    up();
    READ("EL3 IAR0", IAR0, ALL);
    READ("EL3 IAR1", IAR1, ALL);
    READ("EL3 RPR", RPR, ALL);
    down(NS_EL1);
    READ("Non-secure RPR", RPR, ALL);
    READ("Non-secure AP1R0", AP1R0, ALL);
    up();
    down(0x405, 0x3c5);
    READ("Non-secure RPR, FIQ routed", RPR, ALL);
    READ("PMR", PMR, 0xff);
    BOTH("PMR", PMR, 0x40, 0xff);
    up();
    READ("EL3 PMR", PMR, 0xff);
    WRITE("PMR", PMR, 0xf0);
    down(SECURE_EL1);
    WRITE("EOIR1", EOIR1, 1);
    READ("Secure RPR", RPR, ALL);
    up();
    down(NS_EL1);
    WRITE("EOIR1", EOIR1, 1);
    READ("Non-secure RPR", RPR, ALL);
    up();
    show("active", REG32(SGI + 0x300));
}

static void set_up(void)
{
    REG32(0x09000030) = 0x301;
    NOTE = TAKEN = 0;
    __asm__ volatile("msr scr_el3, %0\n isb" : : "r"(0x400ul));
    all("EL3");
    REG32(DIST) = 0x37;
    show("GICD_CTLR", REG32(DIST));
    REG32(REDIST + 0x14) = 0;
    /* SGI 1 is Group 1 Non-secure, 2 Group 1 Secure, 3 Group 0. */
    REG32(SGI + 0x80) = 0xffff0002;
    REG32(SGI + 0xd00) = 4;
    REG32(SGI + 0x100) = 0x3e;
    for (int i = 0; i < 8; i++) {
        REG32(SGI + 0x400 + 4 * i) = 0x80808080;
    }
    BOTH("IGRPEN1_EL3", IGRPEN1_EL3, 3, ALL);
    BOTH("CTLR_EL3", CTLR_EL3, ALL, ALL);
    READ("CTLR_EL1", CTLR_EL1, ALL);
    WRITE("CTLR_EL3", CTLR_EL3, 0);
}

void main(void)
{
    set_up();
    fill(0);
    hypervisor();
    down(NS_EL1);
    all("Non-secure EL1");
    fill(0);
    up();
    down(SECURE_EL1);
    all("Secure EL1");
    fill(0);
    up();
    __asm__ volatile("msr scr_el3, %0\n isb" : : "r"(0x401ul));
    all("EL3 with NS");
    fill(0);
    __asm__ volatile("msr scr_el3, %0\n isb" : : "r"(0x400ul));
    REG32(SGI + 0x280) = 0xffff;
    virtual_machine();
    traps();
    signalled("Group 1 Non-secure", 1);
    signalled("Group 1 Secure", 2);
    signalled("Group 0", 3);
    acknowledge();
    text("END\n");
}
