/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of rhea-img share: the command table, options, opening images, progress.
 *
 * A command is one const ImgCommand; help, the manual page's synopsis and the check of options
 * come from its table.
 *
 * home: the main thread; progress and the copier's workers say so themselves.
 */
#ifndef TOOLS_RHEA_IMG_H
#define TOOLS_RHEA_IMG_H

#include "base/registry.h"
#include "block/blockdev.h"

enum { /* options that have a long form only; the others are their letter */
    IMG_OUTPUT = 256,
    IMG_IMAGE_OPTS,
    IMG_TARGET_IMAGE_OPTS,
    IMG_TARGET_IS_ZERO,
    IMG_SALVAGE,
    IMG_BACKING_CHAIN,
    IMG_FORCE,
    IMG_SHRINK,
    IMG_PREALLOCATION,
    IMG_SIZE,
    IMG_FLUSH_INTERVAL,
    IMG_NO_DRAIN,
    IMG_PATTERN,
    IMG_HELP,
};

typedef struct ImgOpt {
    int code;
    const char *name; /* long form, or NULL */
    const char *arg;  /* what it takes, or NULL */
    const char *help;
} ImgOpt;

typedef struct ImgArgs ImgArgs;

typedef struct ImgCommand {
    const char *name;
    const char *operands; /* for the usage line */
    const char *help;
    const ImgOpt *opts;   /* ends with code 0 */
    int error_status;     /* of the process, when an option is wrong */
    int (*run)(ImgArgs *a); /* the exit status */
    bool keeps_signs;     /* "-10M" is an operand */
} ImgCommand;
#define IMG_COMMAND(sym) REGISTER(ImgCommand, sym)

typedef struct ImgProgress {
    bool on, bar;     /* -p: qemu-img's text on stdout; a bar on a terminal */
    bool shown;
    double now, last;
    int64_t start_us, drawn_us;
    GMutex lock;
} ImgProgress;

struct ImgArgs {
    const ImgCommand *cmd;
    GArray *seen;      /* of Seen: options in order */
    GPtrArray *files;  /* operands */
    BlockSet *set;
    bool quiet;
    ImgProgress progress;
};

/* Options most commands have, with the same text. */
#define IMG_OPT_FORMAT     {'f', "format", "FMT", "format of the image; guessed if not given"}
#define IMG_OPT_QUIET      {'q', "quiet", NULL, "print nothing but errors"}
#define IMG_OPT_PROGRESS   {'p', "progress", NULL, "print how far it is, in percent"}
#define IMG_OPT_SHARE      {'U', "force-share", NULL, "open images that others write to, without locks"}
#define IMG_OPT_CACHE      {'t', NULL, "CACHE", "cache mode: none, writeback, writethrough, directsync, unsafe"}
#define IMG_OPT_SRC_CACHE  {'T', NULL, "CACHE", "cache mode for images that are read"}
#define IMG_OPT_IMAGE_OPTS {IMG_IMAGE_OPTS, "image-opts", NULL, "operands are options: driver=qcow2,file.filename=..."}
#define IMG_OPT_OUTPUT     {IMG_OUTPUT, "output", "human|json", "form of the output"}
#define IMG_OPT_HELP       {IMG_HELP, "help", NULL, "this text"}
#define IMG_OPT_END        {0}

/* ---- arguments: rhea-img-args.c ---- */

/* Fills a from the words after the command's name. false: *status is the exit status. */
bool img_parse(ImgArgs *a, int argc, char **argv, int *status);
bool img_has(const ImgArgs *a, int code);
const char *img_arg(const ImgArgs *a, int code); /* the last one given, or NULL */
char *img_arg_joined(const ImgArgs *a, int code); /* all of them with commas, or NULL; g_free */
/* The number of operands is checked; the text says what is expected. */
bool img_operands(ImgArgs *a, guint min, guint max, const char *expected);
const char *img_file(const ImgArgs *a, guint n);
/* A size option or operand; *out is kept if it was not given. Prints what is wrong. */
bool img_size(const char *text, const char *what, uint64_t *out);
bool img_size_arg(const ImgArgs *a, int code, const char *what, uint64_t *out);
bool img_number_arg(const ImgArgs *a, int code, const char *what, uint64_t min, uint64_t max,
                    uint64_t *out);
/* --output: false if it is neither; *json. */
bool img_output(const ImgArgs *a, bool *json);
void img_print_usage(const ImgCommand *c);

/* Print an error and give @status back. img_failed() takes err. */
int img_fail(int status, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
int img_failed(int status, Error *err);
/* Text for the user that -q suppresses. */
void img_say(const ImgArgs *a, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* ---- opening: rhea-img-open.c ---- */

typedef struct ImgCache {
    unsigned flags;    /* BLOCK_NOCACHE ... */
    bool writethrough; /* writes carry FUA */
} ImgCache;

/* @code's cache mode, @def if it was not given. */
bool img_cache(const ImgArgs *a, int code, const char *what, const char *def, ImgCache *out);
/* A file name, or options with @image_opts. -U is taken into account. */
BlockNode *img_open(ImgArgs *a, const char *name, const char *format, unsigned flags,
                    bool image_opts, Error **errp);
/* The command's only image with -f, --image-opts; prints the error. */
BlockNode *img_open_main(ImgArgs *a, const char *name, unsigned flags);
/* -o help of a format, or of a driver's options; true if it was asked for and printed. */
bool img_options_help(const char *format, const char *text, const char *title);
/* -o a=b,c=d as an object of strings; an empty one without text. */
json_t *img_parse_options(const char *text, Error **errp);
/* Refuses to destroy an image that is there, unless --force was given. */
bool img_may_overwrite(const ImgArgs *a, const char *filename, Error **errp);
/* The value under key, or NULL. */
const char *img_opt_str(json_t *opts, const char *key);
/* Prints JSON as qemu-img does. */
void img_print_json(const json_t *v);

/* ---- progress: rhea-img-args.c; any thread ---- */

void img_progress_start(ImgArgs *a, bool wanted);
void img_progress(ImgArgs *a, double fraction);
void img_progress_end(ImgArgs *a);

/* ---- copying with several requests in flight: rhea-img-copy.c ---- */

/* What a range of the source is, and what becomes of it. */
typedef enum CopyKind { COPY_DATA, COPY_ZERO, COPY_SKIP } CopyKind;

typedef struct Copy Copy;
struct Copy {
    ImgArgs *args;
    uint64_t total;          /* bytes to go through */
    uint64_t chunk;          /* bytes of a request at most */
    unsigned workers;
    bool ordered;            /* writes one after the other */
    uint64_t rate;           /* bytes per second, 0: no limit */
    /* The kind of [offset, +*bytes), which may be made smaller. One thread at a time.
     * Negative: -errno, *err says where. */
    int (*plan)(Copy *c, uint64_t offset, uint64_t *bytes, CopyKind *kind, Error **errp);
    /* Both on any worker; 0 or -errno with an error. */
    int (*read)(Copy *c, uint64_t offset, void *buf, uint64_t bytes, Error **errp);
    int (*write)(Copy *c, uint64_t offset, void *buf, uint64_t bytes, CopyKind kind, Error **errp);
    /* Optional: instead of read and write of data; -ENOTSUP: read and write. */
    int (*offload)(Copy *c, uint64_t offset, uint64_t bytes, Error **errp);
    void *opaque;
};

/* Goes through all of it; false with the first error, by position. */
bool img_copy(Copy *c, Error **errp);
/* The longest run at the start of buf that is all zeroes or not; looks at @unit bytes at a time. */
uint64_t img_zero_run(const uint8_t *buf, uint64_t bytes, uint64_t unit, bool *zero);
bool img_is_zero(const void *buf, size_t bytes);

/* ---- commands that others use ---- */

/* Which format convert, dd and measure make, checked; NULL: printed. */
const BlockDriver *img_target_driver(const char *format);
/* Opens the snapshot of -l in a node. */
bool img_load_snapshot(BlockNode *n, const char *param, Error **errp);

#endif
