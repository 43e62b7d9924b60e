/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the file "bootorder" and the number of boot-menu of the board virt's fw_cfg. Used by armboot.py. */
typedef unsigned char u8;

void main(void);

#define FW_CFG 0x09020000ul
static void put(char c)
{
    *(volatile unsigned *)0x09000000 = c;
}

static void choose(unsigned key)
{
    *(volatile unsigned short *)(FW_CFG + 8) = (unsigned short)(key << 8 | key >> 8);
}

static unsigned next(unsigned bytes)
{
    unsigned v = 0;
    while (bytes--) {
        v = v << 8 | *(volatile u8 *)FW_CFG;
    }
    return v;
}

void main(void)
{
    static const char name[] = "bootorder";
    unsigned size = 0, key = 0;
    choose(0x19);
    for (unsigned n = next(4); n; n--) {
        unsigned s = next(4), k = next(2), same = 1;
        next(2);
        for (unsigned i = 0; i < 56; i++) {
            char c = (char)next(1);
            same &= i >= sizeof(name) || c == name[i];
        }
        size = same ? s : size;
        key = same ? k : key;
    }
    choose(key);
    for (unsigned i = 0; i < size; i++) {
        char c = (char)next(1);
        put(c ? c : '$');
    }
    choose(0x0e);
    put('\n');
    put((char)('0' + next(1)));
    put('\n');
    for (const char *s = "END\n"; *s; s++) {
        put(*s);
    }
}
