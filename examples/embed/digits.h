/* A network for Intaglio, written by intaglio export 0.1.0.
 *
 * input 0: 'image' uint8[1, 8, 8, 1], scale 0.0625, zero point 0
 * output 0: 'logits' int8[1, 10], scale 0.122889087, zero point -12
 */
#ifndef DIGITS_H
#define DIGITS_H

#define DIGITS_BYTES 19968
#define DIGITS_INPUT_0_BYTES 64
#define DIGITS_OUTPUT_0_BYTES 10

#ifdef __cplusplus
extern "C" {
#endif

/* Begins at a multiple of 64: may be borrowed. */
extern const unsigned char digits[DIGITS_BYTES];

#ifdef __cplusplus
}
#endif
#endif
