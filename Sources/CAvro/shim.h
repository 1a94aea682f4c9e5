#include <avro.h>

// The accessors of values are macros over a table of functions; Swift sees functions only.
static inline void millrace_avro_value_decref(avro_value_t *value) { avro_value_decref(value); }
static inline void millrace_avro_iface_decref(avro_value_iface_t *iface) { avro_value_iface_decref(iface); }
static inline int millrace_avro_field(const avro_value_t *value, size_t index, avro_value_t *field) {
    return avro_value_get_by_index(value, index, field, NULL);
}
static inline int millrace_avro_branch(const avro_value_t *value, avro_value_t *branch) {
    return avro_value_get_current_branch(value, branch);
}
static inline avro_type_t millrace_avro_type(const avro_value_t *value) { return avro_value_get_type(value); }
static inline int millrace_avro_boolean(const avro_value_t *value, int *out) { return avro_value_get_boolean(value, out); }
static inline int millrace_avro_int(const avro_value_t *value, int32_t *out) { return avro_value_get_int(value, out); }
static inline int millrace_avro_long(const avro_value_t *value, int64_t *out) { return avro_value_get_long(value, out); }
static inline int millrace_avro_float(const avro_value_t *value, float *out) { return avro_value_get_float(value, out); }
static inline int millrace_avro_double(const avro_value_t *value, double *out) { return avro_value_get_double(value, out); }
static inline int millrace_avro_enum(const avro_value_t *value, int *out) { return avro_value_get_enum(value, out); }
// The size includes the zero that ends the string.
static inline int millrace_avro_string(const avro_value_t *value, const char **text, size_t *size) {
    return avro_value_get_string(value, text, size);
}
static inline int millrace_avro_bytes(const avro_value_t *value, const void **bytes, size_t *size) {
    return avro_value_get_bytes(value, bytes, size);
}
static inline int millrace_avro_fixed(const avro_value_t *value, const void **bytes, size_t *size) {
    return avro_value_get_fixed(value, bytes, size);
}
