// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the gradient of a network of layers keeps, what it computes again, and where all of it lies.
///
/// Time runs over the N steps forward (0 to N - 1), the functions that give S's own gradients (N), and the
/// adjoints of steps N - 1 to 0 (N + 1 to 2 N). A segment that is computed again is so at the time of its
/// last step's adjoint.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/detail/memory_layout.hpp>
#include <dnalm/models/detail/segment_cuts.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What a gradient asks of the network. Values are told by their numbers.
struct layer_gradient_wish {
  index_t steps = 0;                ///< how many of the first steps run
  std::vector<index_t> sizes = {};  ///< numbers of every value
  std::vector<index_t> given = {};  ///< values that S depends on itself
  std::vector<index_t> shown = {};  ///< of every value: the step after which it is shown; -1: it is not
  index_t keep = 0;                 ///< numbers that may be kept inside segments
  bool several = false;             ///< whether several numbers S go back
  bool backward = true;             ///< whether any does
};

/// Steps [first, end). Of a segment that is not `kept` the adjoints compute the inside again.
struct layer_segment {
  index_t first = 0;
  index_t end = 0;
  bool kept = true;
};

/// Places of one value on the way forward and on the way back: the same where it stays in between.
struct value_places {
  index_t forward = 0;
  index_t back = 0;
  bool stays = false;
};

/// Places by value.
struct layer_gradient_plan {
  std::vector<layer_segment> segments = {};
  std::vector<value_places> values = {};
  std::vector<value_places> before = {};  ///< what the function reads of the step that makes the value
  std::vector<index_t> gradients = {};
  index_t numbers = 0;  ///< of the memory
  index_t part = 0;     ///< numbers of the largest gradient that is added to another
};

/// Makes the plan. Steps have `inputs`, `residual`, `output` and `parted()`.
template <class Step>
class layer_gradient_planner {
 public:
  layer_gradient_planner(std::span<const Step> steps, const layer_gradient_wish& wish)
      : steps_(steps.first(static_cast<std::size_t>(wish.steps))), wish_(wish) {
    look_at_steps();
    cut();
    for (const layer_segment& segment : plan_.segments) place_segment(segment);
    place_value(0, -1, {});
    for (index_t v = 0; v < values() && wish.backward; ++v) place_gradient(v);
    lay();
  }
  [[nodiscard]] layer_gradient_plan take() { return std::move(plan_); }

 private:
  static constexpr index_t unmade = -2;
  struct placing {
    living_numbers numbers;
    index_t* place;
    index_t* same;  // another place, or null
  };

  [[nodiscard]] index_t values() const { return static_cast<index_t>(wish_.sizes.size()); }
  [[nodiscard]] static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] index_t size(index_t v) const { return wish_.sizes[at(v)]; }
  [[nodiscard]] bool given(index_t v) const {
    return std::find(wish_.given.begin(), wish_.given.end(), v) != wish_.given.end();
  }
  /// When the adjoint of a step runs; of -1, the input: when all is over.
  [[nodiscard]] index_t back(index_t step) const { return 2 * wish_.steps - step; }
  /// When what is kept of a step is needed no more.
  [[nodiscard]] index_t end_of(index_t step) const { return back(wish_.several ? -1 : step); }

  void look_at_steps() {
    made_.assign(at(values()), unmade);
    made_[0] = -1;
    read_.assign(at(values()), -1);
    uses_.assign(at(values()), 0);
    for (index_t i = 0; i < wish_.steps; ++i) {
      const Step& step = steps_[at(i)];
      made_[at(step.output)] = i;
      for (const index_t v : step.inputs) read(v, i);
      if (step.residual >= 0) read(step.residual, i);
      if (step.parted() && step.residual >= 0) plan_.part = std::max(plan_.part, size(step.output));
    }
    for (index_t v = 0; v < values(); ++v) {
      if (uses_[at(v)] > 1 || given(v)) plan_.part = std::max(plan_.part, size(v));
    }
  }
  void read(index_t v, index_t step) {
    read_[at(v)] = step;
    ++uses_[at(v)];
  }

  [[nodiscard]] std::vector<recorded_step> records() const {
    std::vector<recorded_step> records;
    for (const Step& step : steps_) {
      const index_t v = step.output;
      records.push_back({size(v), step.parted() ? size(v) : 0, read_[at(v)], given(v)});
    }
    return records;
  }
  /// One segment where all may be kept, or none is needed; else many, of which the highest are kept, as many
  /// as may be and at least one.
  void cut() {
    const std::vector<recorded_step> steps = records();
    const bool whole = !wish_.backward || record_of(steps, 0, wish_.steps).inside <= wish_.keep;
    const std::vector<index_t> first = whole ? std::vector<index_t>{0} : cut_segments(steps);
    index_t end = wish_.steps;
    index_t inside = 0;
    bool kept = wish_.backward;
    for (auto start = first.rbegin(); start != first.rend(); end = *start++) {
      inside = checked_add(inside, record_of(steps, *start, end).inside);
      kept = kept && (end == wish_.steps || inside <= wish_.keep);
      plan_.segments.push_back({*start, end, kept});
    }
    std::reverse(plan_.segments.begin(), plan_.segments.end());
    plan_.values.resize(at(values()));
    plan_.before.resize(at(values()));
    plan_.gradients.resize(at(values()));
  }

  void place_segment(const layer_segment& segment) {
    for (index_t i = segment.first; i < segment.end; ++i) {
      const Step& step = steps_[at(i)];
      place_value(step.output, i, segment);
      if (!step.parted()) continue;
      value_places& before = plan_.before[at(step.output)];
      before.stays = segment.kept;
      place(before, step.output, i, i, i, segment);
    }
  }
  /// Value v of step `made`.
  void place_value(index_t v, index_t made, const layer_segment& segment) {
    value_places& places = plan_.values[at(v)];
    places.stays = wish_.backward && (made < 0 || segment.kept || given(v) || read_[at(v)] >= segment.end);
    place(places, v, made, std::max({made, read_[at(v)], wish_.shown[at(v)]}), made, segment);
  }
  /// Of a step's numbers that the way forward needs from `first` to `last`, and its adjoint again.
  void place(value_places& places, index_t v, index_t first, index_t last, index_t step,
             const layer_segment& segment) {
    if (places.stays) return add(v, first, end_of(step), &places.forward, &places.back);
    add(v, first, last, &places.forward);
    if (wish_.backward) add(v, back(segment.end - 1), back(step), &places.back);
  }
  /// From the first adjoint that writes it to that of the step that makes the value.
  void place_gradient(index_t v) {
    const bool own = given(v);
    if (made_[at(v)] == unmade || (!own && uses_[at(v)] == 0)) return;
    add(v, own ? wish_.steps : back(read_[at(v)]), back(made_[at(v)]), &plan_.gradients[at(v)]);
  }
  void add(index_t v, index_t first, index_t last, index_t* place, index_t* same = nullptr) {
    placings_.push_back({{size(v), first, last}, place, same});
  }
  void lay() {
    std::vector<living_numbers> all;
    for (const placing& p : placings_) all.push_back(p.numbers);
    plan_.numbers = lay_out(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      *placings_[i].place = all[i].place;
      if (placings_[i].same != nullptr) *placings_[i].same = all[i].place;
    }
  }

  std::span<const Step> steps_;
  const layer_gradient_wish& wish_;
  layer_gradient_plan plan_;
  std::vector<index_t> made_;  // by value: its step, -1: the input
  std::vector<index_t> read_;  // by value: the last step that reads it
  std::vector<index_t> uses_;  // by value: how often it is read
  std::vector<placing> placings_;
};

}  // namespace detail
DNALM_END_NAMESPACE
