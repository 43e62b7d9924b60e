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
    const char *const *lists; /* names of properties that may be given several times: "a:b"; or NULL */
    const char *const *extra; /* names of properties that only get() and set() know; or NULL */
    bool (*complete)(Object *o, Error **errp); /* properties are set; may open things */
    void (*fini)(Object *o);                   /* after a successful complete() only */
    /* Optional: the value of a property where it is not what was set. NULL without an error: not of these. */
    json_t *(*get)(Object *o, const char *name, Error **errp);
    /* Optional: changes a property of a complete object. Without it none can be changed. */
    bool (*set)(Object *o, const char *name, const char *value, Error **errp);
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
/* Joins values that @text gives several times, where the type takes that: -object type,id=x,host-nodes=0,host-nodes=2. */
void object_join_lists(json_t *opts, const char *text);
/* An unused object ends. */
bool object_del(Machine *m, const char *id, Error **errp);
Object *object_find(Machine *m, const char *id);
void object_foreach(Machine *m, void (*fn)(Object *o, void *opaque), void *opaque);
/* qom-get and qom-set: by id, or by "/objects/" and the id. */
json_t *object_get(Machine *m, const char *path, const char *name, Error **errp);
bool object_set(Machine *m, const char *path, const char *name, json_t *value, Error **errp);
/* qom-list: [{"name": ..., "type": ...}] of an object, or of "/objects". */
json_t *object_list(Machine *m, const char *path, Error **errp);
/* A device's realize and unrealize: while users is not 0 the object cannot be deleted. */
void object_ref(Object *o);
void object_unref(Object *o);
/* core's: machine_free(), after the devices. */
void objects_free(Machine *m);

#endif
