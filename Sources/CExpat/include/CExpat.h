/* libexpat, set up the way Martlet reads XML: from memory, in one call, no document type, no entities but XML's own five, no
   external anything. Names and text arrive as UTF-8. */
#ifndef MARTLET_CEXPAT_H
#define MARTLET_CEXPAT_H

#include <stddef.h>

typedef struct {
    void *context;
    /* Element names come without their namespace. `type` is the value of an attribute `type` of the XML schema instance namespace,
       NULL when there is none. A return value other than 0 stops the parser. */
    int (*start)(void *context, const char *name, size_t count, const char *type);
    int (*text)(void *context, const char *text, size_t count);
    int (*end)(void *context);
} cexpat_handler;

/* 0 when the document is well-formed and no handler stopped it; otherwise not. */
int cexpat_parse(const void *bytes, size_t count, const cexpat_handler *handler);

#endif
