#include "model/model.h"

namespace intaglio {

const char* op_name(OpCode op) {
  switch (op) {
#define OP(code, name, family) \
  case OpCode::name:           \
    return #name;
#include "ops/ops.inc"
#undef OP
  }
  return "unknown";
}

}  // namespace intaglio
