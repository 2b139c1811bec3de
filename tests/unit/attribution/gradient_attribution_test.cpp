// SPDX-License-Identifier: Apache-2.0
// Gradient methods on functions whose answers are known.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_comparison.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/core/philox.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>

namespace {

using dnalm::baseline_kind;
using dnalm::index_t;
using dnalm::nucleotide_map;
using dnalm::nucleotide_weights;
using dnalm::relaxed_function;
using dnalm::relaxed_point;
using dnalm_test::error_id_of;
using dnalm_test::same_bits;

double weight_of(std::size_t i, std::size_t output) {
  return dnalm::philox(5, 100 * output + i).normal();
}

/// s = sum of w p + sum of v q over all positions; f_c = g_c(s) with its slope.
template <class Outer>
relaxed_function outer_function(index_t outputs, const Outer& outer) {
  relaxed_function f{.outputs = outputs};
  f.unknown_token = 4;
  f.mask_token = 5;
  f.evaluate = [outputs, outer](std::span<const relaxed_point> points, std::span<double> values,
                                std::span<nucleotide_weights> gradients) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const nucleotide_weights& p = points[i].weights;
      for (index_t c = 0; c < outputs; ++c) {
        const auto o = static_cast<std::size_t>(c);
        double s = 0;
        for (std::size_t k = 0; k < p.letters.values.size(); ++k) s += weight_of(k, o) * p.letters.values[k];
        for (std::size_t k = 0; k < p.rest.size(); ++k) s += weight_of(1000 + k, o) * p.rest[k];
        const auto [value, slope] = outer(c, s);
        const std::size_t place = i * static_cast<std::size_t>(outputs) + o;
        values[place] = value;
        if (gradients.empty()) continue;
        nucleotide_weights& g = gradients[place];
        g = p;
        for (std::size_t k = 0; k < p.letters.values.size(); ++k)
          g.letters.values[k] = slope * weight_of(k, o);
        for (std::size_t k = 0; k < p.rest.size(); ++k) g.rest[k] = slope * weight_of(1000 + k, o);
      }
    }
  };
  return f;
}

/// s^power, degree `power` along any path.
relaxed_function power_function(int power) {
  return outer_function(1, [power](index_t, double s) {
    return std::pair{std::pow(s, power), power * std::pow(s, power - 1)};
  });
}
relaxed_function linear_function() {
  return power_function(1);
}
/// tanh((3 c + 1) s), not a polynomial.
relaxed_function bent_function(index_t outputs = 1) {
  return outer_function(outputs, [](index_t c, double s) {
    const double t = std::tanh(static_cast<double>(3 * c + 1) * s);
    return std::pair{t, static_cast<double>(3 * c + 1) * (1 - t * t)};
  });
}

const std::vector<std::string> one = {"ACGTTGCA"};

double largest_gap(const nucleotide_map& a, const nucleotide_map& b) {
  double gap = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) gap = std::max(gap, std::abs(a.values[i] - b.values[i]));
  return gap;
}

}  // namespace

TEST_CASE("corrected gradients sum to 0 over the bases, keep differences, and stay when corrected again") {
  const nucleotide_map g = dnalm::saliency(bent_function(), one).front().map;
  const nucleotide_map c = dnalm::corrected(g);
  double before = 0;
  double after = 0;
  for (index_t i = 0; i < g.length; ++i) {
    CHECK(std::abs(c(0, i) + c(1, i) + c(2, i) + c(3, i)) < 1e-14);  // some ulps of slopes up to 10
    for (index_t a = 0; a < 4; ++a) {
      CHECK(std::abs((c(a, i) - c(0, i)) - (g(a, i) - g(0, i))) < 1e-14);
      before += g(a, i) * g(a, i);
      after += c(a, i) * c(a, i);
    }
  }
  CHECK(after <= before);
  CHECK(largest_gap(dnalm::corrected(c), c) < 1e-14);
  nucleotide_map shifted = g;  // another representative of the same function on one-hot columns
  for (index_t i = 0; i < g.length; ++i) {
    for (index_t a = 0; a < 4; ++a) shifted(a, i) += static_cast<double>(i);
  }
  CHECK(largest_gap(dnalm::corrected(shifted), c) < 1e-14);
}

TEST_CASE("first-order effects are those of every substitution where the function is affine") {
  const relaxed_function f = linear_function();
  const nucleotide_map effects = dnalm::first_order_effects(dnalm::saliency(f, one).front().map, one.front());
  const auto value = [&](const std::string& s) {
    return f.values(std::vector<relaxed_point>{{s, dnalm::one_hot_weights(s)}}).front();
  };
  for (index_t i = 0; i < effects.length; ++i) {
    for (index_t b = 0; b < 4; ++b) {
      std::string changed = one.front();
      changed[static_cast<std::size_t>(i)] = "ACGT"[b];
      CHECK(std::abs(effects(b, i) - (value(changed) - value(one.front()))) < 1e-14);
      if (changed == one.front()) CHECK(effects(b, i) == 0.0);
    }
  }
}

TEST_CASE("of a linear function with baseline zero all methods give input times gradient") {
  const relaxed_function f = linear_function();
  const nucleotide_map expected = dnalm::times_input(dnalm::saliency(f, one).front().map, one.front());
  const auto ig = dnalm::integrated_gradients(f, one).front();
  CHECK(largest_gap(ig.map, expected) < 1e-14);
  CHECK(std::abs(ig.delta) < 1e-13);
  CHECK(ig.nodes == 32);
  CHECK(largest_gap(dnalm::expected_gradients(f, one).front().map, expected) < 1e-13);
  CHECK(largest_gap(dnalm::smooth_grad(f, one).front().map, dnalm::saliency(f, one).front().map) < 1e-13);
}

TEST_CASE("expected gradients weigh baselines alike, whether the samples divide among them or not") {
  const relaxed_function f = linear_function();
  const dnalm::baseline shuffles{.kind = baseline_kind::shuffles,
                                 .replicates = 3,
                                 .shuffle = [](std::string_view sequence, index_t, index_t replicate) {
                                   std::string turned(sequence);
                                   std::rotate(turned.begin(), turned.begin() + replicate + 1, turned.end());
                                   return turned;
                                 }};
  const std::vector<std::string> bases = {"ACGTTGCA"};
  for (const index_t samples : {2, 3, 4, 5}) {  // of a linear function the draws of t do not matter
    const auto found = dnalm::expected_gradients(f, bases, {.from = shuffles, .samples = samples}).front();
    CHECK(std::abs(found.delta) < 1e-13);
  }
}

TEST_CASE("integrated gradients are exact for polynomials of degree twice the nodes") {
  for (const index_t nodes : {1, 2, 3}) {
    const dnalm::path_options options{.nodes = nodes, .most_nodes = nodes};
    const auto exact = dnalm::integrated_gradients(power_function(static_cast<int>(2 * nodes)), one, options);
    CHECK(std::abs(exact.front().delta) <
          1e-13 * std::max(1.0, std::abs(exact.front().value - exact.front().baseline_value)));
    const auto beyond =
        dnalm::integrated_gradients(power_function(static_cast<int>(2 * nodes) + 1), one, options);
    CHECK(std::abs(beyond.front().delta) > 1e-6 * std::abs(beyond.front().value));
  }
}

TEST_CASE("integrated gradients complete better with more nodes, and are doubled until they do") {
  double last = 1e300;
  for (const index_t nodes : {2, 4, 8, 16}) {
    const auto found =
        dnalm::integrated_gradients(bent_function(), one, {.nodes = nodes, .most_nodes = nodes});
    CHECK(std::abs(found.front().delta) < last);
    last = std::abs(found.front().delta);
  }
  const auto found =
      dnalm::integrated_gradients(bent_function(), one, {.nodes = 2, .most_nodes = 64, .tolerance = 1e-6});
  CHECK(std::abs(found.front().delta) < 1e-6);
  CHECK(found.front().nodes > 2);
  CHECK(found.front().within_tolerance);
  const auto never =
      dnalm::integrated_gradients(bent_function(), one, {.nodes = 2, .most_nodes = 4, .tolerance = 0});
  CHECK(never.front().nodes == 4);
  CHECK_FALSE(never.front().within_tolerance);
}

TEST_CASE("errors of baselines that make up for each other do not count as small") {
  // s^3, s = p[C, 0] - p[G, 0]: with one node the integrals from C and from G are off by 1 / 4 and -1 / 4.
  relaxed_function f{.outputs = 1};
  f.evaluate = [](std::span<const relaxed_point> points, std::span<double> values,
                  std::span<nucleotide_weights> gradients) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double s = points[i].weights.letters(1, 0) - points[i].weights.letters(2, 0);
      values[i] = s * s * s;
      if (gradients.empty()) continue;
      gradients[i].letters = nucleotide_map(1);
      gradients[i].letters(1, 0) = 3 * s * s;
      gradients[i].letters(2, 0) = -3 * s * s;
    }
  };
  const std::vector<std::string> base = {"A"};
  dnalm::path_options options{.nodes = 1, .most_nodes = 1};
  options.from.kind = baseline_kind::shuffles;
  options.from.replicates = 2;
  options.from.shuffle = [](std::string_view, index_t, index_t replicate) {
    return std::string(replicate == 0 ? "C" : "G");
  };
  const auto rough = dnalm::integrated_gradients(f, base, options).front();
  CHECK(rough.delta == 0.0);
  REQUIRE(rough.deltas.size() == 2);
  CHECK(std::abs(rough.deltas[0] - 0.25) < 1e-15);
  CHECK(std::abs(rough.deltas[1] + 0.25) < 1e-15);
  CHECK(std::abs(std::abs(rough.largest_delta()) - 0.25) < 1e-15);
  dnalm::path_attribution broken;
  broken.deltas = {0.25, std::nan(""), 0.5};
  CHECK(std::isnan(broken.largest_delta()));
  CHECK_FALSE(rough.within_tolerance);
  options.most_nodes = 64;
  const auto found = dnalm::integrated_gradients(f, base, options).front();
  CHECK(found.nodes == 2);  // exact for a cube
  CHECK(found.within_tolerance);
  CHECK(std::abs(found.largest_delta()) < 1e-15);
}

TEST_CASE("integrated gradients are linear in the function") {
  // bent_function(2): tanh(s) and tanh(4 s); their difference with weights 2 and -3.
  const relaxed_function both = bent_function(2);
  relaxed_function mixed{.outputs = 1};
  mixed.evaluate = [both](std::span<const relaxed_point> points, std::span<double> values,
                          std::span<nucleotide_weights> gradients) {
    std::vector<double> two(2 * points.size());
    std::vector<nucleotide_weights> slopes(gradients.empty() ? 0 : two.size());
    both.evaluate(points, two, slopes);
    for (std::size_t i = 0; i < points.size(); ++i) {
      values[i] = 2 * two[2 * i] - 3 * two[2 * i + 1];
      if (gradients.empty()) continue;
      gradients[i] = slopes[2 * i];
      for (std::size_t k = 0; k < gradients[i].letters.values.size(); ++k) {
        gradients[i].letters.values[k] =
            2 * slopes[2 * i].letters.values[k] - 3 * slopes[2 * i + 1].letters.values[k];
      }
    }
  };
  const dnalm::path_options options{.from = {.kind = baseline_kind::uniform}, .nodes = 16, .most_nodes = 16};
  const auto parts = dnalm::integrated_gradients(both, one, options);
  nucleotide_map sum = parts[0].map;
  for (std::size_t k = 0; k < sum.values.size(); ++k) {
    sum.values[k] = 2 * parts[0].map.values[k] - 3 * parts[1].map.values[k];
  }
  CHECK(largest_gap(dnalm::integrated_gradients(mixed, one, options).front().map, sum) < 1e-13);
}

TEST_CASE("bases that a function treats alike get equal parts") {
  // f = tanh(p[A, 0] p[A, 3] + p[A, 0] + p[A, 3]): positions 0 and 3 can be exchanged.
  relaxed_function f{.outputs = 1};
  f.evaluate = [](std::span<const relaxed_point> points, std::span<double> values,
                  std::span<nucleotide_weights> gradients) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double u = points[i].weights.letters(0, 0);
      const double v = points[i].weights.letters(0, 3);
      values[i] = std::tanh(u * v + u + v);
      if (gradients.empty()) continue;
      gradients[i] = points[i].weights;
      for (double& slope : gradients[i].letters.values) slope = 0;
      gradients[i].letters(0, 0) = (1 - values[i] * values[i]) * (v + 1);
      gradients[i].letters(0, 3) = (1 - values[i] * values[i]) * (u + 1);
    }
  };
  const std::vector<std::string> sequence = {"ACGA"};
  const auto found = dnalm::integrated_gradients(f, sequence).front();
  CHECK(found.map(0, 0) == found.map(0, 3));
  CHECK(found.map(0, 0) > 0.1);
  CHECK(found.map(1, 1) == 0.0);  // a base that f does not read
  CHECK(std::abs(2 * found.map(0, 0) - (found.value - found.baseline_value)) <=
        std::abs(found.delta) + 1e-15);
}

TEST_CASE("without noise SmoothGrad is the saliency") {
  const relaxed_function f = bent_function();
  const auto smooth = dnalm::smooth_grad(f, one, {.deviation = 0, .samples = 4});
  CHECK(largest_gap(smooth.front().map, dnalm::saliency(f, one).front().map) < 1e-15);
}

TEST_CASE("SmoothGrad of a cube is its mean under normal noise of that variance, on bases alone") {
  // f = s^3, s = w p: under noise s is normal(s, t^2), t^2 = sigma^2 sum of w^2 over the bases, and the
  // gradient is 3 s^2 w. Of s^2 the mean is s^2 + t^2, the variance 4 s^2 t^2 + 2 t^4; the bound is 4
  // standard errors of n samples. Without the noise, or with twice its variance, the mean is off by t^2.
  constexpr double sigma = 0.7;
  constexpr index_t samples = 4000;
  for (const char* sequence : {"ACGTTGCA", "ACNTTGNA"}) {
    const std::vector<std::string> sequences = {sequence};
    const nucleotide_map x = dnalm::one_hot_map(sequence);
    double s = 0;
    double squares = 0;
    for (index_t i = 0; i < x.length; ++i) {
      for (index_t a = 0; a < 4 && sequence[i] != 'N'; ++a) {
        const double w = weight_of(static_cast<std::size_t>(a * x.length + i), 0);
        s += w * x(a, i);
        squares += w * w;
      }
    }
    const double noise = sigma * sigma * squares;
    const double bound = 4 * std::sqrt((4 * s * s * noise + 2 * noise * noise) / samples);
    REQUIRE(bound < 0.2 * noise);
    const auto found =
        dnalm::smooth_grad(power_function(3), sequences, {.deviation = sigma, .samples = samples}).front();
    for (std::size_t k = 0; k < x.values.size(); ++k) {
      const double w = weight_of(k, 0);
      CHECK(std::abs(found.map.values[k] - 3 * (s * s + noise) * w) < 3 * bound * std::abs(w));
    }
    CHECK(std::abs(found.value - s * s * s) < 1e-12 * std::max(1.0, std::abs(s * s * s)));
  }
}

TEST_CASE("expected gradients of a cube are its integrated gradients in the mean") {
  // From zero s is t s: the gradient is 3 t^2 s^2 w, t uniform. Of 3 t^2 the mean is 1, the variance
  // 9 / 5 - 1 = 4 / 5; the bound is 4 standard errors of n samples. At the middle alone it would be 3 / 4.
  constexpr index_t samples = 4000;
  const double bound = 4 * std::sqrt(0.8 / samples);
  const auto exact = dnalm::integrated_gradients(power_function(3), one, {.nodes = 2, .most_nodes = 2});
  const auto found = dnalm::expected_gradients(power_function(3), one, {.samples = samples});
  double largest = 0;
  for (std::size_t k = 0; k < found.front().map.values.size(); ++k) {
    const double value = exact.front().map.values[k];
    CHECK(std::abs(found.front().map.values[k] - value) <= bound * std::abs(value) + 1e-15);
    largest = std::max(largest, std::abs(value));
  }
  CHECK(largest > 1);
  CHECK(std::abs(found.front().delta) <= bound * std::abs(found.front().value));
}

TEST_CASE("sequence and baseline exchanged flip the sign, equal entries get exactly 0") {
  const std::string x = "ACGTTGCA";
  const std::string r = "ACGATGGT";
  const relaxed_function f = bent_function();
  const auto from = [&](const std::string& other) {
    return dnalm::baseline{.kind = baseline_kind::array, .arrays = {dnalm::one_hot_map(other)}};
  };
  const auto there = dnalm::integrated_gradients(f, std::vector{x}, {.from = from(r)}).front();
  const auto back = dnalm::integrated_gradients(f, std::vector{r}, {.from = from(x)}).front();
  for (index_t i = 0; i < 8; ++i) {
    for (index_t a = 0; a < 4; ++a) {
      CHECK(std::abs(there.map(a, i) + back.map(a, i)) < 1e-12);
      if (x[static_cast<std::size_t>(i)] == r[static_cast<std::size_t>(i)]) CHECK(there.map(a, i) == 0.0);
    }
  }
  CHECK(std::abs(there.delta) < 1e-3);
}

TEST_CASE("every kind of baseline completes, N in the sequence has no part") {
  const relaxed_function f = bent_function();
  const std::vector<std::string> sequences = {"ACGTTNCA"};
  dnalm::baseline shuffles{.kind = baseline_kind::shuffles, .replicates = 3};
  shuffles.shuffle = [](std::string_view s, index_t, index_t replicate) {
    std::string turned(s);
    std::rotate(turned.begin(), turned.begin() + replicate, turned.begin() + 5);  // N stays
    return turned;
  };
  for (dnalm::baseline from :
       {dnalm::baseline{}, dnalm::baseline{.kind = baseline_kind::uniform},
        dnalm::baseline{.kind = baseline_kind::unknown}, dnalm::baseline{.kind = baseline_kind::mask},
        shuffles, dnalm::baseline{.kind = baseline_kind::array, .arrays = {nucleotide_map(8)}}}) {
    INFO(dnalm::to_string(from.kind));
    CHECK(dnalm::parse_baseline(dnalm::to_string(from.kind)) == from.kind);
    const auto found = dnalm::integrated_gradients(f, sequences, {.from = from, .tolerance = 1e-9}).front();
    CHECK(std::abs(found.delta) < 1e-9);
    for (index_t a = 0; a < 4; ++a) CHECK(found.map(a, 5) == 0.0);
    const auto drawn = dnalm::expected_gradients(f, sequences, {.from = from, .samples = 4000}).front();
    CHECK(std::abs(drawn.delta) < 0.1);  // 4 standard errors of slopes below 2
  }
}

TEST_CASE("an output's nodes are its own, whatever the other outputs need") {
  const relaxed_function both = bent_function(2);
  const dnalm::path_options options{.nodes = 4, .most_nodes = 256, .tolerance = 1e-8};
  const auto together = dnalm::integrated_gradients(both, one, options);
  const auto first = dnalm::integrated_gradients(bent_function(1), one, options);
  REQUIRE(together.size() == 2);
  CHECK(together[0].nodes < together[1].nodes);
  CHECK(same_bits(together[0].map.values, first[0].map.values));
  CHECK(together[0].nodes == first[0].nodes);
}

TEST_CASE("noise and draws are keyed by seed and number: alone or in a list, the same bits") {
  const relaxed_function f = bent_function();
  const std::vector<std::string> two = {"GGGTTGCA", one.front()};
  const auto smooth = dnalm::smooth_grad(f, two, {.samples = 70});
  const auto smooth_alone = dnalm::smooth_grad(f, one, {.samples = 70, .first_number = 1});
  CHECK(same_bits(smooth[1].map.values, smooth_alone[0].map.values));
  CHECK_FALSE(same_bits(smooth[1].map.values, dnalm::smooth_grad(f, one, {.samples = 70})[0].map.values));
  const auto expected = dnalm::expected_gradients(f, two, {.samples = 70});
  const auto expected_alone = dnalm::expected_gradients(f, one, {.samples = 70, .first_number = 1});
  CHECK(same_bits(expected[1].map.values, expected_alone[0].map.values));
}

TEST_CASE("the mean over both strands is the same bits for a sequence and its reverse complement, turned") {
  const relaxed_function f = bent_function();
  const auto method = [&](const std::vector<std::string>& sequences) {
    std::vector<nucleotide_map> maps;
    for (const auto& found : dnalm::saliency(f, sequences)) maps.push_back(found.map);
    return maps;
  };
  const auto forward = dnalm::both_strands({"ACGTTGCC"}, method);
  const auto turned = dnalm::both_strands({"GGCAACGT"}, method);
  CHECK(same_bits(forward[0].values, dnalm::turned_map(turned[0]).values));
}

TEST_CASE("maps are compared by Pearson and Spearman, N left out") {
  const std::vector<double> a = {1, -2, 3, 100, 4};
  const std::vector<double> b = {2, -4, 6, -100, 8};
  const auto alike = dnalm::compare_rows(a, b, "ACGNT");
  CHECK(std::abs(alike.pearson - 1) < 1e-15);
  CHECK(std::abs(alike.spearman - 1) < 1e-15);
  const std::vector<double> c = {2, 4, 6, -100, 8};
  CHECK(std::abs(dnalm::compare_rows(a, c, "ACGNT", dnalm::map_values::sizes).pearson - 1) < 1e-15);
  CHECK(dnalm::compare_rows(a, c, "ACGNT").pearson < 0.9);
  CHECK(std::abs(dnalm::compare_maps(dnalm::one_hot_map("ACGN"), dnalm::one_hot_map("ACGN"), "ACGN").pearson -
                 1) < 1e-15);
  CHECK(error_id_of([&] { (void)dnalm::compare_rows(a, b, "ACG"); }) == "dnalm.shape.812");
}

TEST_CASE("impossible requests are told") {
  const relaxed_function f = bent_function();
  const auto path_error = [&](const dnalm::path_options& options) {
    return error_id_of([&] { (void)dnalm::integrated_gradients(f, one, options); });
  };
  CHECK(path_error({.nodes = 0}) == "dnalm.usage.807");
  CHECK(path_error({.nodes = 64, .most_nodes = 32}) == "dnalm.usage.807");
  CHECK(path_error({.from = {.kind = baseline_kind::shuffles}}) == "dnalm.usage.807");
  CHECK(path_error({.from = {.kind = baseline_kind::array}}) == "dnalm.shape.805");
  CHECK(path_error({.from = {.kind = baseline_kind::array, .arrays = {nucleotide_map(7)}}}) ==
        "dnalm.shape.805");
  nucleotide_map broken(8);
  broken(0, 0) = std::numeric_limits<double>::infinity();
  CHECK(path_error({.from = {.kind = baseline_kind::array, .arrays = {broken}}}) == "dnalm.shape.805");
  const auto shorter = [](std::string_view, index_t, index_t) { return std::string("A"); };
  CHECK(path_error({.from = {.kind = baseline_kind::shuffles, .shuffle = shorter}}) == "dnalm.shape.805");
  relaxed_function bare = f;
  bare.unknown_token = -1;
  const dnalm::path_options unknown{.from = {.kind = baseline_kind::unknown}};
  CHECK(error_id_of([&] { (void)dnalm::integrated_gradients(bare, one, unknown); }) ==
        "dnalm.unsupported.806");
  CHECK(error_id_of([&] { (void)dnalm::smooth_grad(f, one, {.samples = 0}); }) == "dnalm.usage.807");
  CHECK(error_id_of([&] { (void)dnalm::smooth_grad(f, one, {.deviation = -1}); }) == "dnalm.usage.807");
  CHECK(error_id_of([&] { (void)dnalm::parse_baseline("N's"); }) == "dnalm.usage.813");
  CHECK(error_id_of([&] { (void)dnalm::saliency(relaxed_function{}, one); }) == "dnalm.usage.811");
  CHECK(error_id_of([&] { (void)dnalm::times_input(nucleotide_map(3), "AC"); }) == "dnalm.shape.812");
  relaxed_function infinite = f;
  infinite.evaluate = [](std::span<const relaxed_point>, std::span<double> values,
                         std::span<nucleotide_weights>) { values[0] = std::nan(""); };
  CHECK(error_id_of([&] { (void)dnalm::saliency(infinite, one); }) == "dnalm.numeric.803");
}
