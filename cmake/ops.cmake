# The families of ops (csrc/ops/ops.inc), any of which a build may do without.
set(INTAGLIO_OPS all CACHE STRING "Families of ops to build: all, or a list such as sums;elementwise;reductions;movement")
intaglio_left_out("${INTAGLIO_OPS}"
                  "sums;elementwise;reductions;movement;resampling;conversion;float32;integer;detection;lstm" ""
                  INTAGLIO_OPS_LEFT_OUT)
