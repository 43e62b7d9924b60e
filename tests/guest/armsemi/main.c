/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every operation of semihosting, in A64, A32 or T32: results are printed by the serial port. Compared with another
 * emulator by armsemi.py, which runs this in a directory with the file "there" ("0123456789"). Not shown is where QEMU 7.2
 * differs from the specification: append mode writes at the start, SYS_ISERROR of 32 bits, errors without a SYS_ERRNO.
 */
typedef unsigned long word;

#ifdef __aarch64__
#define CALL "hlt #0xf000"
#define CALL2 CALL
#define R(n) "x" #n
#elif defined __thumb__
#define CALL "hlt #0x3c"
#define CALL2 "svc #0xab"
#define R(n) "r" #n
#else
#define CALL "hlt #0xf000"
#define CALL2 "svc #0x123456"
#define R(n) "r" #n
#endif

void main(void);
static word block[8];
static char buffer[64];

static void put(char c)
{
    *(volatile unsigned *)0x09000000 = c;
}

static void text(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void hex(word v)
{
    for (int i = 8 * (int)sizeof(v) - 4; i >= 0; i -= 4) {
        put("0123456789abcdef"[v >> i & 15]);
    }
}

static word call(word op, const void *args)
{
    register word r0 __asm__(R(0)) = op;
    register const void *r1 __asm__(R(1)) = args;
    __asm__ volatile(CALL : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* The older instruction, where there is one. */
static word call2(word op, const void *args)
{
    register word r0 __asm__(R(0)) = op;
    register const void *r1 __asm__(R(1)) = args;
    __asm__ volatile(CALL2 : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static word words(word op, word a, word b, word c, word d)
{
    block[0] = a;
    block[1] = b;
    block[2] = c;
    block[3] = d;
    return call(op, block);
}

static void show(const char *what, word v)
{
    text(what);
    put(' ');
    hex(v);
    put('\n');
}

static void show_error(const char *what, word v)
{
    show(what, v);
    show(" errno", call(0x13, 0));
}

static word length(const char *s)
{
    word n = 0;
    while (s[n]) {
        n++;
    }
    return n;
}

static word open(const char *name, word mode)
{
    return words(1, (word)name, mode, length(name), 0);
}

static void files(void)
{
    show_error("open of nothing", open("not-there", 0));
    show_error("bad mode", open("there", 12));
    word f = open("there", 0);
    show("open", f);
    show("length", words(0xc, f, 0, 0, 0));
    show("read", words(6, f, (word)buffer, 4, 0));
    text(buffer);
    show(" read to the end", words(6, f, (word)buffer, 60, 0));
    text(buffer);
    show(" at the end", words(6, f, (word)buffer, 60, 0));
    show("seek", words(0xa, f, 3, 0, 0));
    show("read", words(6, f, (word)buffer, 1, 0));
    put(buffer[0]);
    show("tty", words(9, f, 0, 0, 0));
    show("write to what is read", words(5, f, (word)buffer, 5, 0));
    show("close", words(2, f, 0, 0, 0));
    show_error("close again", words(2, f, 0, 0, 0));
    show_error("read what is closed", words(6, f, (word)buffer, 5, 0));
    show_error("seek there", words(0xa, f, 5, 0, 0));
    show_error("length there", words(0xc, f, 0, 0, 0));
    word out = open("new", 4), two = open("there", 1);
    show("open two", out);
    show("", two);
    show("write", words(5, out, (word) "some text\n", 10, 0));
    show("close", words(2, out, 0, 0, 0));
    out = open("new", 8);
    show("append", words(5, out, (word) "more\n", 5, 0));
    show("close", words(2, out, 0, 0, 0));
    out = open("new", 2);
    show("length", words(0xc, out, 0, 0, 0) >= 10);
    show("close", words(2, out, 0, 0, 0));
    show("close", words(2, two, 0, 0, 0));
    show("rename", words(0xf, (word) "new", 3, (word) "newer", 5));
    show_error("rename of nothing", words(0xf, (word) "new", 3, (word) "newer", 5));
    show("remove", words(0xe, (word) "newer", 5, 0, 0));
    show_error("remove of nothing", words(0xe, (word) "newer", 5, 0, 0));
    show("system", words(0x12, (word) "echo here >made; exit 3", 23, 0, 0));
}

static void console(void)
{
    show("tty of the console", words(9, 1, 0, 0, 0));
    call2(4, "by SYS_WRITE0\n");
    call(3, "c");
    call(3, "\n");
    word f = open(":tt", 4);
    show("console", f);
    show("write", words(5, f, (word) "to :tt\n", 7, 0));
    show("close", words(2, f, 0, 0, 0));
    f = open(":semihosting-features", 0);
    show("features", f);
    show("length", words(0xc, f, 0, 0, 0));
    show("read", words(6, f, (word)buffer, 8, 0));
    for (int i = 0; i < 5; i++) {
        show("", buffer[i]);
    }
    show("seek", words(0xa, f, 4, 0, 0));
    show("read", words(6, f, (word)buffer, 1, 0));
    show("close", words(2, f, 0, 0, 0));
    show_error("features for writing", open(":semihosting-features", 4));
}

static void others(void)
{
    if (sizeof(word) == 8) {
        show("an error", words(8, (word)-3, 0, 0, 0));
    }
    show("no error", words(8, 3, 0, 0, 0));
    show_error("bad address", call(1, (void *)0x01000000));
    show("frequency", call(0x31, 0));
    word early[2] = {0, 0}, late[2] = {0, 0};
    show("elapsed", call(0x30, early));
    show("elapsed", call(0x30, late));
    show("later", late[0] > early[0] || (sizeof(word) == 4 && late[1] > early[1]));
    show("time", call(0x11, 0) > 1600000000);
    show("clock", call(0x10, 0) < 100000);
    block[0] = (word)buffer;
    block[1] = sizeof(buffer);
    show("command line", call(0x15, block));
    show("", block[1]);
    text(buffer);
    put('\n');
    block[1] = 3;
    show_error("no room for it", call(0x15, block));
    block[0] = (word)&block[2];
    show("heap", call(0x16, block));
    show("in order", block[2] < block[3] && block[5] < block[4]);
    show("name", words(0xd, (word)buffer, 5, sizeof(buffer), 0));
    show("of length", length(buffer) > 5);
    show("no room for it", words(0xd, (word)buffer, 5, 3, 0));
}

void main(void)
{
    files();
    console();
    others();
    text("END\n");
    words(0x20, 0x20026, 42, 0, 0);
}
