#include "CArchives.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct carchives_decoder {
    carchives_kind kind;
    z_stream zlib;
    ZSTD_DCtx *zstd;
    int ended;
};

carchives_decoder *carchives_decoder_make(carchives_kind kind) {
    carchives_decoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->kind = kind;
    if (kind == carchives_zstd) {
        d->zstd = ZSTD_createDCtx();
        /* 2^27 bytes is what `zstd` itself refuses to go beyond without being told to. */
        if (d->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, 27))) return d;
        if (d->zstd) ZSTD_freeDCtx(d->zstd);
    } else if (inflateInit2(&d->zlib, kind == carchives_gzip ? 15 + 16 : -15) == Z_OK) {
        return d;
    }
    free(d);
    return NULL;
}

void carchives_decoder_free(carchives_decoder *d) {
    if (!d) return;
    if (d->kind == carchives_zstd) ZSTD_freeDCtx(d->zstd);
    else inflateEnd(&d->zlib);
    free(d);
}

static uInt bounded(size_t count) { return count > UINT_MAX ? UINT_MAX : (uInt)count; }

int carchives_decode(carchives_decoder *d, const void *input, size_t input_count, size_t *used,
                     void *output, size_t output_count, size_t *made) {
    *used = *made = 0;
    if (d->kind == carchives_zstd) {
        ZSTD_inBuffer in = { input, input_count, 0 };
        ZSTD_outBuffer out = { output, output_count, 0 };
        size_t left = ZSTD_decompressStream(d->zstd, &out, &in);
        *used = in.pos;
        *made = out.pos;
        if (ZSTD_isError(left)) return carchives_broken;
        return left == 0 ? carchives_ended : carchives_going;
    }
    if (d->ended) {
        /* Another member follows. */
        if (inflateReset(&d->zlib) != Z_OK) return carchives_broken;
        d->ended = 0;
    }
    d->zlib.next_in = (Bytef *)input;
    d->zlib.avail_in = bounded(input_count);
    d->zlib.next_out = output;
    d->zlib.avail_out = bounded(output_count);
    int status = inflate(&d->zlib, Z_NO_FLUSH);
    *used = bounded(input_count) - d->zlib.avail_in;
    *made = bounded(output_count) - d->zlib.avail_out;
    if (status == Z_STREAM_END) {
        d->ended = 1;
        return carchives_ended;
    }
    /* Z_BUF_ERROR: nothing could be done without more input or room. */
    return status == Z_OK || status == Z_BUF_ERROR ? carchives_going : carchives_broken;
}

struct carchives_encoder { z_stream zlib; };

carchives_encoder *carchives_encoder_make(void) {
    carchives_encoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    if (deflateInit2(&e->zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK) return e;
    free(e);
    return NULL;
}

void carchives_encoder_free(carchives_encoder *e) {
    if (!e) return;
    deflateEnd(&e->zlib);
    free(e);
}

int carchives_encode(carchives_encoder *e, const void *input, size_t input_count, size_t *used,
                     void *output, size_t output_count, size_t *made, int finish) {
    e->zlib.next_in = (Bytef *)input;
    e->zlib.avail_in = bounded(input_count);
    e->zlib.next_out = output;
    e->zlib.avail_out = bounded(output_count);
    int status = deflate(&e->zlib, finish ? Z_FINISH : Z_NO_FLUSH);
    *used = bounded(input_count) - e->zlib.avail_in;
    *made = bounded(output_count) - e->zlib.avail_out;
    if (status == Z_STREAM_END) return carchives_ended;
    return status == Z_OK || status == Z_BUF_ERROR ? carchives_going : carchives_broken;
}

uint32_t carchives_crc32(uint32_t crc, const void *bytes, size_t count) {
    return (uint32_t)crc32_z(crc, bytes, count);
}
