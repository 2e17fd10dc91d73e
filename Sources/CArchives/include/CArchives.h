/* zlib and zstd, set up the way Martlet uses them: streams over memory, states with a bound, no dictionaries. */
#ifndef MARTLET_CARCHIVES_H
#define MARTLET_CARCHIVES_H

#include <stddef.h>
#include <stdint.h>

typedef enum { carchives_gzip = 0, carchives_deflate = 1, carchives_zstd = 2 } carchives_kind;
typedef struct carchives_decoder carchives_decoder;

/* NULL without memory. */
carchives_decoder *carchives_decoder_make(carchives_kind kind);
void carchives_decoder_free(carchives_decoder *decoder);

enum { carchives_going = 0, carchives_ended = 1, carchives_broken = -1 };
/* Takes from input and gives to output what fits; `used` and `made` say how much. carchives_ended: the stream is whole. Members of a
   gzip file and frames of a zstd file that follow one another are read as one stream: the end is told after each. */
int carchives_decode(carchives_decoder *decoder, const void *input, size_t input_count, size_t *used,
                     void *output, size_t output_count, size_t *made);

/* gzip, for reports. */
typedef struct carchives_encoder carchives_encoder;
carchives_encoder *carchives_encoder_make(void);
void carchives_encoder_free(carchives_encoder *encoder);
/* `finish`: no input follows. carchives_ended when everything has been given. */
int carchives_encode(carchives_encoder *encoder, const void *input, size_t input_count, size_t *used,
                     void *output, size_t output_count, size_t *made, int finish);

uint32_t carchives_crc32(uint32_t crc, const void *bytes, size_t count);

#endif
