/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registries: sets of const objects collected by the linker.
 *
 * A thing (device, machine, command, accelerator, test ...) is one const object. REGISTER() puts
 * a pointer to it in a section named after its type; REGISTRY_FOREACH() walks that section. There
 * are no constructors and nothing is ever written, so the set is complete before main() starts
 * and every Machine sees the same one.
 *
 * Only pointers live in the section: their size is fixed, so neither alignment padding nor
 * AddressSanitizer's red zones can open gaps between the elements. The order is link order, which
 * means nothing; a listing for humans sorts by name.
 */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H

#if defined(__clang__)
#define REGISTRY_ATTR __attribute__((used, no_sanitize("address")))
#else
/* GCC gives no red zones to variables with an explicit section. */
#define REGISTRY_ATTR __attribute__((used))
#endif

/* Adds the const object @obj (file scope, of type @type) to the registry of @type. */
#define REGISTER(type, obj)                                                                   \
    static const type *const registered_##type##_##obj __attribute__((section("reg_" #type))) \
    REGISTRY_ATTR = &(obj)

/*
 * Walks all registered objects: `REGISTRY_FOREACH(DeviceType, it) use((*it)->name);`
 * @it is a `const type *const *`.
 */
#define REGISTRY_FOREACH(type, it)                                                            \
    for (const type *const *it = REGISTRY_BOUND(start, type), *const *it##_end =              \
                                                                  REGISTRY_BOUND(stop, type); \
         it < it##_end; it++)

/* The linker's symbols; weak, so that a registry without members is empty and not a link error. */
#define REGISTRY_BOUND(which, type)                                              \
    ({                                                                           \
        extern const type *const __##which##_reg_##type[] __attribute__((weak)); \
        (const type *const *)__##which##_reg_##type;                             \
    })

#endif
