/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User-creatable objects (-object, object-add): what devices use and is no device itself, such as
 * I/O threads and sources of entropy. One const ObjectType each, with a property table like a
 * device's.
 *
 * home: main loop.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "core/device.h"

typedef struct Object Object;
typedef struct ObjectType {
    const char *name; /* QEMU's qom-type */
    const char *help; /* one line */
    size_t size;      /* of the struct, whose first member is Object */
    const Property *props;
    bool (*complete)(Object *o, Error **errp); /* properties are set; may open things */
    void (*fini)(Object *o);                   /* after a successful complete() only */
} ObjectType;
#define OBJECT_TYPE(sym) REGISTER(ObjectType, sym)

struct Object {
    const ObjectType *type;
    Machine *machine;
    char *id;
    int users; /* devices that hold it: object_ref() */
    bool complete;
};

const ObjectType *object_type_find(const char *name, Error **errp);
/* -object and object-add: {"qom-type": ..., "id": ..., property: value ...}. NULL on error. */
Object *object_add(Machine *m, json_t *opts, Error **errp);
/* An unused object ends. */
bool object_del(Machine *m, const char *id, Error **errp);
Object *object_find(Machine *m, const char *id);
void object_foreach(Machine *m, void (*fn)(Object *o, void *opaque), void *opaque);
/* A device's realize and unrealize: while users is not 0 the object cannot be deleted. */
void object_ref(Object *o);
void object_unref(Object *o);
/* core's: machine_free(), after the devices. */
void objects_free(Machine *m);

#endif
