/* Intaglio: int8 neural networks on CPUs, with the same bits on every CPU. The C API, for C11 and C++.
 *
 * An intaglio_model is a network, verified and planned for this CPU. It is immutable: any number of threads may use it
 * at once. An intaglio_context is where one run keeps its values: one run at a time; for more, make more.
 *
 * Whatever may fail returns an intaglio_status and, where `error` is not NULL, says in words what was needed. On
 * failure the things behind output parameters are NULL. Nothing here prints, throws, reads the environment, or changes
 * signals, locale or the floating-point state; a run allocates nothing. docs/embedding.md has complete examples.
 *
 * Later versions may add functions, fields at the end of structs, and status codes; they take nothing away. */
#ifndef INTAGLIO_INTAGLIO_H
#define INTAGLIO_INTAGLIO_H

#include <stddef.h>
#include <stdint.h>

/* Raised by each addition. A change that breaks callers would change the library's name. */
#define INTAGLIO_API_VERSION 1

/* Memory that is given for a context, and memory that an allocator gives, begins at a multiple of this many bytes. */
#define INTAGLIO_ALIGNMENT 64

#if defined(__GNUC__)
#define INTAGLIO_API __attribute__((visibility("default")))
#else
#define INTAGLIO_API
#endif

#ifdef __cplusplus
#define INTAGLIO_NOEXCEPT noexcept
extern "C" {
#else
#define INTAGLIO_NOEXCEPT
#endif

/* Of integers of fixed size rather than enums, whose size is the compiler's choice. */
typedef int32_t intaglio_status;
#define INTAGLIO_OK 0
#define INTAGLIO_INVALID_ARGUMENT 1    /* NULL, a wrong count, something that is not a live handle */
#define INTAGLIO_OUT_OF_MEMORY 2       /* the allocator gave none */
#define INTAGLIO_IO 3                  /* the file cannot be read */
#define INTAGLIO_MODEL_FORMAT 4        /* the bytes are not a well-formed network */
#define INTAGLIO_UNSUPPORTED_VERSION 5 /* the file is of a version that this library does not know */
#define INTAGLIO_UNSUPPORTED_OP 6      /* the network has an op in a form that no kernel computes */
#define INTAGLIO_LEFT_OUT 7            /* the network has an op that was left out of this build */
#define INTAGLIO_SHAPE 8               /* shapes in the network contradict each other */
#define INTAGLIO_DTYPE 9               /* element types in the network do */
#define INTAGLIO_QUANTIZATION 10       /* quantization in the network is impossible, or sums could overflow */
#define INTAGLIO_TIER 11               /* no such instruction-set tier, or this CPU or this build lacks it */
#define INTAGLIO_TOO_SMALL 12          /* a buffer or memory has too few bytes */
#define INTAGLIO_MISALIGNED 13         /* a buffer or memory begins at an address that its use forbids */
#define INTAGLIO_BUSY 14               /* another thread is running this context */
#define INTAGLIO_CLOSED 15             /* the context's model was closed */
#define INTAGLIO_INPUT 16              /* values that the network cannot take: NaN, an index out of range */

/* "INTAGLIO_OK" and so on; NULL for a number that is no status. */
INTAGLIO_API const char* intaglio_status_name(intaglio_status status) INTAGLIO_NOEXCEPT;

typedef struct intaglio_error {
  char message[256]; /* UTF-8, ends in NUL; empty where the call succeeded */
} intaglio_error;

/* Version of the library, such as "0.1.0", and the INTAGLIO_API_VERSION it was built with. */
INTAGLIO_API const char* intaglio_version(void) INTAGLIO_NOEXCEPT;
INTAGLIO_API int32_t intaglio_api_version(void) INTAGLIO_NOEXCEPT;

/* The instruction-set tiers that this CPU and this build have, worst first; NULL from the last on. */
INTAGLIO_API const char* intaglio_tier(size_t index) INTAGLIO_NOEXCEPT;

/* Where a model's memory comes from. The functions may be called from any thread that opens or closes a model or makes
 * or closes a context; never during a run. */
typedef struct intaglio_allocator {
  void* (*allocate)(void* user, size_t bytes, size_t alignment); /* NULL when there is none */
  void (*release)(void* user, void* memory, size_t bytes);       /* bytes: as given to allocate */
  void* user;
} intaglio_allocator;

/* Bytes given to intaglio_model_open_memory() stay as they are until the model and all its contexts are closed, so that
 * the model need not copy what it goes on using. They must then begin at a multiple of 8. */
#define INTAGLIO_BORROW 1u

typedef struct intaglio_options {
  size_t struct_size;                  /* sizeof(intaglio_options), as INTAGLIO_OPTIONS_INIT sets it */
  const char* tier;                    /* the instruction-set tier; NULL: the best that there is */
  int32_t threads;                     /* the most that a run uses, itself included: 1 to 256 */
  uint32_t flags;                      /* 0 or INTAGLIO_BORROW */
  const intaglio_allocator* allocator; /* copied; NULL: the C library's */
} intaglio_options;
#define INTAGLIO_OPTIONS_INIT {sizeof(intaglio_options), NULL, 1, 0u, NULL}

typedef int32_t intaglio_dtype;
#define INTAGLIO_INT8 1
#define INTAGLIO_UINT8 2
#define INTAGLIO_INT32 3
#define INTAGLIO_INT64 4
#define INTAGLIO_FLOAT32 5

/* An input or output of a model, made by the library and alive as long as the model. */
typedef struct intaglio_port {
  const char* name;     /* UTF-8, ends in NUL */
  const int64_t* shape; /* row-major */
  size_t rank;
  size_t elements; /* the product of the shape */
  size_t bytes;    /* of a buffer for it */
  intaglio_dtype dtype;
  int32_t quantized; /* 1: real = scale * (value - zero_point); 0: scale and zero_point are 0 */
  float scale;
  int32_t zero_point;
} intaglio_port;

typedef struct intaglio_model intaglio_model;
typedef struct intaglio_context intaglio_context;

/* Reads, verifies and plans a network in the .intaglio format. Any bytes are safe. `options` may be NULL. With more
 * than one thread this starts workers, which stay for the life of the process and are shared by its models. */
INTAGLIO_API intaglio_status intaglio_model_open_file(const char* path, const intaglio_options* options,
                                                      intaglio_model** model, intaglio_error* error) INTAGLIO_NOEXCEPT;
INTAGLIO_API intaglio_status intaglio_model_open_memory(const void* bytes, size_t size, const intaglio_options* options,
                                                        intaglio_model** model,
                                                        intaglio_error* error) INTAGLIO_NOEXCEPT;
/* The handle may not be used afterwards. Contexts may still be closed, but not run; memory that they need goes with the
 * last of them. NULL is fine. */
INTAGLIO_API void intaglio_model_close(intaglio_model* model) INTAGLIO_NOEXCEPT;

INTAGLIO_API size_t intaglio_model_input_count(const intaglio_model* model) INTAGLIO_NOEXCEPT;
INTAGLIO_API size_t intaglio_model_output_count(const intaglio_model* model) INTAGLIO_NOEXCEPT;
/* NULL where there is no such port. */
INTAGLIO_API const intaglio_port* intaglio_model_input(const intaglio_model* model, size_t index) INTAGLIO_NOEXCEPT;
INTAGLIO_API const intaglio_port* intaglio_model_output(const intaglio_model* model, size_t index) INTAGLIO_NOEXCEPT;

/* The tier it was planned for, the most threads a run uses, bytes of activations in a context, and bytes of packed
 * weights and tables, which all contexts share. */
INTAGLIO_API const char* intaglio_model_tier(const intaglio_model* model) INTAGLIO_NOEXCEPT;
INTAGLIO_API int32_t intaglio_model_threads(const intaglio_model* model) INTAGLIO_NOEXCEPT;
INTAGLIO_API size_t intaglio_model_arena_bytes(const intaglio_model* model) INTAGLIO_NOEXCEPT;
INTAGLIO_API size_t intaglio_model_constant_bytes(const intaglio_model* model) INTAGLIO_NOEXCEPT;

/* Bytes of memory that intaglio_context_place() needs: the arena and the context's own tables. */
INTAGLIO_API size_t intaglio_context_bytes(const intaglio_model* model) INTAGLIO_NOEXCEPT;
/* A context in memory of the caller, which must stay until it is closed. Takes no other memory. */
INTAGLIO_API intaglio_status intaglio_context_place(intaglio_model* model, void* memory, size_t bytes,
                                                    intaglio_context** context,
                                                    intaglio_error* error) INTAGLIO_NOEXCEPT;
/* A context in memory of the model's allocator. */
INTAGLIO_API intaglio_status intaglio_context_create(intaglio_model* model, intaglio_context** context,
                                                     intaglio_error* error) INTAGLIO_NOEXCEPT;

typedef struct intaglio_input {
  const void* data; /* aligned to its elements; may be the memory of an output */
  size_t bytes;     /* at least the port's */
} intaglio_input;
typedef struct intaglio_output {
  void* data;
  size_t bytes;
} intaglio_output;

/* Runs one sample: an entry for each input and output of the model, in order. Outputs mean nothing unless it returns
 * INTAGLIO_OK. */
INTAGLIO_API intaglio_status intaglio_context_run(intaglio_context* context, const intaglio_input* inputs,
                                                  size_t input_count, const intaglio_output* outputs,
                                                  size_t output_count, intaglio_error* error) INTAGLIO_NOEXCEPT;
/* INTAGLIO_BUSY, and nothing is closed, while it runs. NULL is fine. */
INTAGLIO_API intaglio_status intaglio_context_close(intaglio_context* context, intaglio_error* error) INTAGLIO_NOEXCEPT;

/* Between real numbers and a quantized port's values: `count` of them, not necessarily all. Quantizing rounds half to
 * even and clamps; INTAGLIO_INPUT for NaN. */
INTAGLIO_API intaglio_status intaglio_quantize(const intaglio_port* port, const float* reals, size_t count,
                                               void* values, intaglio_error* error) INTAGLIO_NOEXCEPT;
INTAGLIO_API intaglio_status intaglio_dequantize(const intaglio_port* port, const void* values, size_t count,
                                                 float* reals, intaglio_error* error) INTAGLIO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
