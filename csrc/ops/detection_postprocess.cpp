// detection_postprocess: boxes from their codes, then greedy suppression. Candidates come from a heap, for few of many
// are looked at.
#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/float_vector.h"
#include "ops/checks.h"
#include "ops/float_checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kBoxCost = 128;  // of decoding, in multiply-accumulates
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Detection {
  float score;
  std::int32_t box, label;
};

struct Arguments {
  Slot encodings, scores;
  Slot boxes, labels, box_scores, count;  // outputs
  Slot decoded;                           // float32 [anchors, 4]
  Slot ranking;                           // float32 [anchors], the score a box is suppressed by
  Slot heap;                              // int32 [anchors]
  Slot kept;                              // int32 [most], boxes of one pass
  Slot found;                             // Detection [max_detections]
  const float* anchors;
  float parameters[6];  // scales of y, x, h, w, thresholds of score and overlap
  std::int64_t anchor_count, encoding_stride, score_stride;
  std::int64_t classes, max_detections, slots, per_class;
  DecodeBoxesFunction decode;
};

void run_decode(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const Range range = split(a.anchor_count, part, parts);
  a.decode(memory.at<const float>(a.encodings) + range.begin * a.encoding_stride,
           static_cast<std::size_t>(a.encoding_stride), a.anchors + range.begin * 4, a.parameters,
           memory.at<float>(a.decoded) + range.begin * 4, static_cast<std::size_t>(range.end - range.begin));
}

float larger(float u, float v) { return u < v ? v : u; }
float smaller(float u, float v) { return v < u ? v : u; }

// a and b are (top, left, bottom, right).
float overlap(const float* a, const float* b) {
  const float area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float both =
      larger(smaller(a[2], b[2]) - larger(a[0], b[0]), 0) * larger(smaller(a[3], b[3]) - larger(a[1], b[1]), 0);
  return both / ((area_a + area_b) - both);
}

// The scores of box i, background left out.
const float* scores_of(const Arguments& a, const Memory& memory, std::int64_t i) {
  return memory.at<const float>(a.scores) + i * a.score_stride + (a.score_stride - a.classes);
}

float number(float score) { return score == score ? score : -kInfinity; }

// Suppresses boxes by their scores in `ranking`; returns how many are kept, at most `most`.
std::int64_t suppress(const Arguments& a, const Memory& memory, std::int64_t most) {
  const auto* decoded = memory.at<const float>(a.decoded);
  const auto* ranking = memory.at<const float>(a.ranking);
  auto* heap = memory.at<std::int32_t>(a.heap);
  auto* kept = memory.at<std::int32_t>(a.kept);
  std::int64_t left = 0, count = 0;
  for (std::int64_t i = 0; i < a.anchor_count; ++i) {
    if (ranking[i] >= a.parameters[4]) heap[left++] = static_cast<std::int32_t>(i);
  }
  const auto worse = [&](std::int32_t i, std::int32_t j) {
    return ranking[i] != ranking[j] ? ranking[i] < ranking[j] : i > j;
  };
  std::make_heap(heap, heap + left, worse);
  while (left > 0 && count < most) {
    std::pop_heap(heap, heap + left, worse);
    const std::int32_t box = heap[--left];
    const bool overlaps = std::any_of(kept, kept + count, [&](std::int32_t other) {
      return overlap(decoded + std::int64_t{other} * 4, decoded + std::int64_t{box} * 4) > a.parameters[5];
    });
    if (!overlaps) kept[count++] = box;
  }
  return count;
}

// Writes one detection to the outputs.
void list(const Arguments& a, const Memory& memory, std::int64_t position, const Detection& detection) {
  std::memcpy(memory.at<float>(a.boxes) + position * 4,
              memory.at<const float>(a.decoded) + std::int64_t{detection.box} * 4, 4 * sizeof(float));
  memory.at<float>(a.labels)[position] = static_cast<float>(detection.label);
  memory.at<float>(a.box_scores)[position] = detection.score;
}

void clear_outputs(const Arguments& a, const Memory& memory) {
  const auto positions = static_cast<std::size_t>(a.max_detections * a.slots);
  std::fill_n(memory.at<float>(a.boxes), 4 * positions, 0.0F);
  std::fill_n(memory.at<float>(a.labels), positions, 0.0F);
  std::fill_n(memory.at<float>(a.box_scores), positions, 0.0F);
}

// One pass over the best class of each box; what is kept is listed with its `slots` best classes.
void run_fast(const void* arguments, const Memory& memory, int, int) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  auto* ranking = memory.at<float>(a.ranking);
  for (std::int64_t i = 0; i < a.anchor_count; ++i) {
    const float* scores = scores_of(a, memory, i);
    ranking[i] = -kInfinity;
    for (std::int64_t c = 0; c < a.classes; ++c) ranking[i] = larger(ranking[i], number(scores[c]));
  }
  clear_outputs(a, memory);
  const std::int64_t count = suppress(a, memory, a.max_detections);
  const std::int64_t listed = std::min(a.slots, a.classes);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t box = memory.at<const std::int32_t>(a.kept)[i];
    const float* scores = scores_of(a, memory, box);
    Detection last = {kInfinity, box, -1};
    for (std::int64_t k = 0; k < listed; ++k) {
      // The best of those after the last one, by score and then by class.
      Detection best = {-kInfinity, box, -1};
      for (std::int32_t c = 0; c < a.classes; ++c) {
        const float score = number(scores[c]);
        const bool after = score < last.score || (score == last.score && c > last.label);
        if (after && (best.label < 0 || score > best.score)) best = {score, box, c};
      }
      list(a, memory, i * a.slots + k, best);
      last = best;
    }
  }
  *memory.at<float>(a.count) = static_cast<float>(count);
}

// One pass per class; the best of all passes, in the order they were found where equal.
void run_regular(const void* arguments, const Memory& memory, int, int) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  auto* ranking = memory.at<float>(a.ranking);
  auto* found = memory.at<Detection>(a.found);
  std::int64_t count = 0;
  for (std::int64_t c = 0; c < a.classes; ++c) {
    for (std::int64_t i = 0; i < a.anchor_count; ++i) ranking[i] = number(scores_of(a, memory, i)[c]);
    const std::int64_t kept = suppress(a, memory, a.per_class);
    for (std::int64_t k = 0; k < kept; ++k) {
      const std::int32_t box = memory.at<const std::int32_t>(a.kept)[k];
      const float score = ranking[box];
      Detection* place = std::upper_bound(found, found + count, score,
                                          [](float s, const Detection& other) { return s > other.score; });
      if (place == found + a.max_detections) break;  // scores only fall
      count = std::min(count + 1, a.max_detections);
      std::move_backward(place, found + count - 1, found + count);
      *place = {score, box, static_cast<std::int32_t>(c)};
    }
  }
  clear_outputs(a, memory);
  for (std::int64_t i = 0; i < count; ++i) list(a, memory, i, found[i]);
  *memory.at<float>(a.count) = static_cast<float>(count);
}

Status check_inputs(const Node& node, const Model& model, std::int64_t classes) {
  INTAGLIO_TRY(check_all_float(node, model));
  const Tensor &encodings = model.input(node, 0), &scores = model.input(node, 1), &anchors = model.input(node, 2);
  INTAGLIO_TRY(check_rank(node, encodings, "encodings", 3));
  INTAGLIO_TRY(check_rank(node, scores, "scores", 3));
  const std::int64_t count = encodings.dims[1];
  INTAGLIO_TRY(check_dims(node, encodings, "encodings", {1, count, encodings.dims[2]}));
  INTAGLIO_TRY(check_between(node, "numbers per box", encodings.dims[2], 4, std::numeric_limits<std::int64_t>::max()));
  INTAGLIO_TRY(check_dims(node, scores, "scores", {1, count, scores.dims[2]}));
  INTAGLIO_TRY(check_between(node, "classes", classes, std::max<std::int64_t>(scores.dims[2] - 1, 1), scores.dims[2]));
  INTAGLIO_TRY(check_constant(node, anchors, "anchors", DType::kFloat32, {count, 4}));
  const auto values = anchors.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4 >= 2 && !(values[i] >= 0)) {
      return node_error(Code::kModelFormat, node, "anchors: expected heights and widths of 0 or more, got %g",
                        static_cast<double>(values[i]));
    }
  }
  return {};
}

Status check_parameters(const Node& node, const Tensor& parameters) {
  INTAGLIO_TRY(check_constant(node, parameters, "parameters", DType::kFloat32, {6}));
  const auto values = parameters.values<float>();
  bool sound = values[4] == values[4] && values[5] > 0 && values[5] <= 1;
  for (std::size_t i = 0; i < 4; ++i) sound = sound && values[i] > 0 && values[i] < kInfinity;
  if (sound) return {};
  return node_error(Code::kModelFormat, node,
                    "parameters: expected four positive scales, a score and an overlap in (0, 1]");
}

// All outputs are float32, and `positions` long but for the count.
Status check_outputs(const Node& node, const Model& model, std::int64_t positions) {
  for (std::size_t i = 0; i < 4; ++i) {
    INTAGLIO_TRY(check_dtype(node, model.output(node, i), "an output", DType::kFloat32));
  }
  INTAGLIO_TRY(check_dims(node, model.output(node, 0), "boxes", {1, positions, 4}));
  INTAGLIO_TRY(check_dims(node, model.output(node, 1), "classes", {1, positions}));
  INTAGLIO_TRY(check_dims(node, model.output(node, 2), "scores", {1, positions}));
  return check_dims(node, model.output(node, 3), "count", {1});
}

}  // namespace

Status prepare_detection_postprocess(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 4, 4, 5));
  const Model& model = planner.model();
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  constexpr const char* kNames[] = {"classes", "max_detections", "classes_per_detection", "detections_per_class"};
  for (std::size_t i = 0; i < 4; ++i) INTAGLIO_TRY(check_between(node, kNames[i], node.attrs[i], 1, kMost));
  INTAGLIO_TRY(check_between(node, "regular", node.attrs[4], 0, 1));
  const std::int64_t classes = node.attrs[0], max_detections = node.attrs[1], slots = node.attrs[2];
  INTAGLIO_TRY(check_inputs(node, model, classes));
  INTAGLIO_TRY(check_parameters(node, model.input(node, 3)));
  INTAGLIO_TRY(check_outputs(node, model, max_detections * slots));

  auto* a = planner.make<Arguments>();
  const Tensor& anchors = model.input(node, 2);
  auto* own_anchors = static_cast<float*>(planner.allocate(anchors.bytes));
  if (a == nullptr || own_anchors == nullptr) return out_of_memory(node);
  std::copy_n(anchors.values<float>().data(), anchors.elements, own_anchors);
  a->anchors = own_anchors;
  std::copy_n(model.input(node, 3).values<float>().data(), 6, a->parameters);
  a->encodings = planner.tensor(node.inputs[0]);
  a->scores = planner.tensor(node.inputs[1]);
  a->boxes = planner.tensor(node.outputs[0]);
  a->labels = planner.tensor(node.outputs[1]);
  a->box_scores = planner.tensor(node.outputs[2]);
  a->count = planner.tensor(node.outputs[3]);
  a->anchor_count = anchors.dims[0];
  a->encoding_stride = model.input(node, 0).dims[2];
  a->score_stride = model.input(node, 1).dims[2];
  a->classes = classes;
  a->max_detections = max_detections;
  a->slots = slots;
  a->per_class = std::min(node.attrs[3], max_detections);
  const auto count = static_cast<std::size_t>(a->anchor_count), most = static_cast<std::size_t>(max_detections);
  const bool regular = node.attrs[4] == 1;
  a->decoded = planner.scratch(count * 4 * sizeof(float));
  a->ranking = planner.scratch(count * sizeof(float));
  a->heap = planner.scratch(count * sizeof(std::int32_t));
  a->kept = planner.scratch(std::min(count, most) * sizeof(std::int32_t));
  a->found = planner.scratch(regular ? most * sizeof(Detection) : 0);
  const auto& kernel = planner.kernels().float_vector->decode_boxes;
  a->decode = kernel.run;
  if (a->anchor_count > 0) {
    INTAGLIO_TRY(planner.emit({.run = run_decode,
                               .arguments = a,
                               .parts = planner.parts_for(a->anchor_count * kBoxCost),
                               .kernel = kernel.name}));
  }
  return planner.emit({.run = regular ? run_regular : run_fast,
                       .arguments = a,
                       .kernel = "suppress_boxes",
                       .reason = regular ? "class by class" : "one pass over the best class of each box"});
}

}  // namespace intaglio
