#include "CExpat.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

typedef struct {
    const cexpat_handler *handler;
    XML_Parser parser;
    int stopped;
} parse;

static void stop(parse *p) {
    p->stopped = 1;
    XML_StopParser(p->parser, XML_FALSE);
}

/* Expat was asked to join namespace and local name by a line feed, which neither can contain. */
static void on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
    parse *p = data;
    if (p->stopped) return;
    const char *type = NULL;
    for (size_t i = 0; attributes[i]; i += 2)
        if (!strcmp(attributes[i], "http://www.w3.org/2001/XMLSchema-instance\ntype")) type = attributes[i + 1];
    const char *separator = strrchr(name, '\n');
    const char *local = separator ? separator + 1 : name;
    if (p->handler->start(p->handler->context, local, strlen(local), type)) stop(p);
}

static void on_end(void *data, const XML_Char *name) {
    (void)name;
    parse *p = data;
    if (!p->stopped && p->handler->end(p->handler->context)) stop(p);
}

static void on_text(void *data, const XML_Char *text, int count) {
    parse *p = data;
    if (!p->stopped && count > 0 && p->handler->text(p->handler->context, text, (size_t)count)) stop(p);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int internal) {
    (void)name; (void)system_id; (void)public_id; (void)internal;
    stop(data);
}

int cexpat_parse(const void *bytes, size_t count, const cexpat_handler *handler) {
    if (count > INT_MAX) return 1;
    XML_Parser parser = XML_ParserCreateNS(NULL, '\n');
    if (!parser) return 1;
    parse p = { handler, parser, 0 };
    XML_SetUserData(parser, &p);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    enum XML_Status status = XML_Parse(parser, bytes, (int)count, 1);
    XML_ParserFree(parser);
    return status != XML_STATUS_OK || p.stopped;
}
