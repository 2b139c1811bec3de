// SPDX-License-Identifier: Apache-2.0
// Convolutions of the GPU's backend on the emulated grid: against the double reference within the documented
// bounds, on poisoned memory and ragged batches, and bit for bit against each sequence alone.
#include <cstdlib>

#include <support/cuda_emulation/backend.hpp>
#include <support/cuda_emulation/grid.hpp>
#include <unit/backend/convolution_cases.hpp>

using dnalm::index_t;
using dnalm_test::convolution_problem;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;
using dnalm_test::poisoned;
using dnalm_test::gpu::emulation;

namespace {

template <class T>
dnalm::device_matrix<T> as_device(dnalm::matrix_view<T> x) {
  return {x.data, x.rows, x.columns, x.stride};
}
template <class T>
dnalm::device_vector<T> as_device(dnalm::vector_view<T> x) {
  return {x.data, x.size};
}

/// The convolutions of cuda_backend on host views: the emulated GPU's memory is the host's. Filters with
/// transforms of blocks of `block_points` points.
class convolutions_on_host {
  using in = dnalm::matrix_view<const float>;
  using out = dnalm::matrix_view<float>;
  using in_vector = dnalm::vector_view<const float>;
  using offsets = dnalm::ragged_offsets;

 public:
  using scalar = float;
  using filter = dnalm::cuda_causal_filter;

  explicit convolutions_on_host(int block_points = dnalm::detail::fft_block_points,
                                const dnalm::cuda_options& options = {})
      : gpu(options), block_points_(block_points) {}

  [[nodiscard]] index_t filter_taps(index_t length) const { return gpu.filter_taps(length); }
  [[nodiscard]] filter make_filter(dnalm::matrix_view<const double> taps) const {
    return dnalm::detail::causal_filter_maker{memory_, pool_, gpu.stream(), block_points_}.make(taps);
  }
  [[nodiscard]] index_t long_convolution_scratch(index_t, index_t) const { return 0; }
  void long_convolution(in v, std::span<const filter* const> filters, in_vector d, const offsets& o,
                        dnalm::vector_view<float>, out y) const {
    gpu.long_convolution(as_device(v), filters, as_device(d), o, {}, as_device(y));
  }
  void long_convolution_vjp(in v, std::span<const filter* const> filters, in_vector d, const offsets& o,
                            dnalm::vector_view<float>, out y) const {
    gpu.long_convolution_vjp(as_device(v), filters, as_device(d), o, {}, as_device(y));
  }
  void short_convolution(in x, in w, in_vector bias, const offsets& o, out y) const {
    gpu.short_convolution(as_device(x), as_device(w), as_device(bias), o, as_device(y));
  }
  void short_convolution_vjp(in dy, in w, const offsets& o, out dx) const {
    gpu.short_convolution_vjp(as_device(dy), as_device(w), o, as_device(dx));
  }

  dnalm::cuda_backend gpu;

 private:
  std::shared_ptr<dnalm::detail::device_memory> memory_ =
      std::make_shared<dnalm::detail::device_memory>(0, 0);
  mutable dnalm::detail::scratch_pool pool_{memory_};
  int block_points_;
};

/// What cuda/long_convolution.hpp allows a float result to be away, per number: the larger one of its bounds,
/// that of sums by Cauchy and Schwarz, and two roundings of d v.
numbers bound_of(const convolution_problem& problem, const numbers& x) {
  const numbers skip = problem.skip();
  const dnalm::matrix<double> taps = problem.taps(problem.longest() + dnalm::cuda_rows_beyond);
  numbers bound;
  index_t first = 0;
  for (const index_t length : problem.lengths) {
    const index_t taps_here = dnalm::cuda_filter_taps(length);
    const index_t used = std::min(taps_here, taps.rows());
    for (index_t i = 0; i < length; ++i) {
      for (index_t c = 0; c < problem.width; ++c) {
        double v = 0.0;
        double h = 0.0;
        for (index_t j = 0; j < length; ++j) {
          const double value = x[static_cast<std::size_t>((first + j) * problem.width + c)];
          v += value * value;
        }
        for (index_t j = 0; j < used; ++j) h += taps(j, c) * taps(j, c);
        const double by_transforms = 8.0 * std::log2(2.0 * static_cast<double>(taps_here));
        const double factor = 0x1p-24 * (length <= dnalm::cuda_direct_rows ? 130.0 : by_transforms);
        const double here = x[static_cast<std::size_t>((first + i) * problem.width + c)];
        const double skipped = skip[static_cast<std::size_t>(c)] * here;
        bound.push_back(factor * std::sqrt(v * h) + 2 * 0x1p-24 * std::abs(skipped));
      }
    }
    first += length;
  }
  return bound;
}

/// Both ways against double, in place too, and with blocks and threads in another order.
void check_long(const convolution_problem& problem, int block_points, std::uint64_t seed) {
  const numbers x = normal_numbers(problem.rows() * problem.width, seed);
  const numbers bound = bound_of(problem, x);
  const convolutions_on_host b(block_points);
  for (const bool adjoint : {false, true}) {
    INFO((adjoint ? "adjoint, " : "forward, ") << problem.lengths.front());
    const numbers exact = dnalm_test::run_long(dnalm::reference_backend(), problem, x, adjoint, false);
    const numbers y = dnalm_test::run_long(b, problem, x, adjoint, false);
    dnalm_test::check_within(exact, y, bound);
    double share = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) share = std::max(share, std::abs(y[i] - exact[i]) / bound[i]);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(problem.lengths.front() << ": " << share);
    emulation().seed = seed;
    CHECK(dnalm_test::same_numbers(y, dnalm_test::run_long(b, problem, x, adjoint, true)));
    emulation().seed = 0;
  }
}

/// Rows of one sequence of a packed batch.
numbers rows_of(const numbers& x, const convolution_problem& problem, index_t sequence) {
  const dnalm::ragged_offsets offsets = problem.offsets();
  return {x.begin() + offsets.begin(sequence) * problem.width,
          x.begin() + offsets.begin(sequence + 1) * problem.width};
}

/// A convolution of rows with dense weights.
struct dense_problem {
  std::vector<index_t> lengths;
  index_t inputs;
  index_t outputs;
  dnalm::convolution_taps taps;

  [[nodiscard]] dnalm::ragged_offsets offsets() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(length);
    return all;
  }
  [[nodiscard]] numbers weights() const { return normal_numbers(outputs * taps.taps * inputs, 5); }
};

/// The convolution of x with bias, GELU and a residual in the place of y; or its adjoint with a residual.
template <class B>
numbers run_dense(const B& b, const dense_problem& p, const numbers& x, bool adjoint) {
  using T = typename B::scalar;
  const dnalm::ragged_offsets offsets = p.offsets();
  const index_t rows = offsets.rows();
  const index_t from = adjoint ? p.outputs : p.inputs;
  const index_t to = adjoint ? p.inputs : p.outputs;
  std::vector<T> w;
  for (const double value : p.weights()) w.push_back(static_cast<T>(value));
  const auto packed =
      b.pack(dnalm::as_matrix(static_cast<const T*>(w.data()), p.outputs, p.taps.taps * p.inputs));
  const numbers biases = normal_numbers(p.outputs, 6);
  const numbers residual = normal_numbers(rows * to, 7);
  const poisoned<T> in(rows, from, x.data());
  const poisoned<T> bias(1, p.outputs, biases.data());
  poisoned<T> y(rows, to, residual.data());
  dnalm_test::poisoned_scratch<T> scratch(
      std::max(b.convolution_scratch(packed), b.convolution_vjp_scratch(packed, p.taps)));
  const auto kept = static_cast<const poisoned<T>&>(y).view();
  if (adjoint) {
    b.convolution_vjp(in.view(), offsets, packed, p.taps, kept, scratch.view(), y.view());
  } else {
    b.convolution(in.view(), offsets, packed, p.taps, {bias.view().row(0), dnalm::activation::gelu_erf, kept},
                  scratch.view(), y.view());
  }
  CHECK(y.frame_is_whole());
  numbers result;
  dnalm_test::append_numbers(y.view(), result);
  return result;
}

/// cuda_backend's on host views.
struct dense_on_host {
  using scalar = float;
  using in = dnalm::matrix_view<const float>;
  dnalm::cuda_backend gpu;

  [[nodiscard]] dnalm::cuda_weight pack(in w) const { return gpu.pack(w); }
  [[nodiscard]] index_t convolution_scratch(const dnalm::cuda_weight&) const { return 0; }
  [[nodiscard]] index_t convolution_vjp_scratch(const dnalm::cuda_weight&,
                                                const dnalm::convolution_taps&) const {
    return 0;
  }
  void convolution(in x, const dnalm::ragged_offsets& offsets, const dnalm::cuda_weight& w,
                   const dnalm::convolution_taps& taps, const dnalm::linear_epilogue<float>& e,
                   dnalm::vector_view<float>, dnalm::matrix_view<float> y) const {
    gpu.convolution(as_device(x), offsets, w, taps, {as_device(e.bias), e.function, as_device(e.residual)},
                    {}, as_device(y));
  }
  void convolution_vjp(in dy, const dnalm::ragged_offsets& offsets, const dnalm::cuda_weight& w,
                       const dnalm::convolution_taps& taps, in residual, dnalm::vector_view<float>,
                       dnalm::matrix_view<float> dx) const {
    gpu.convolution_vjp(as_device(dy), offsets, w, taps, as_device(residual), {}, as_device(dx));
  }
};

/// The convolution alone, without bias, function and residual.
numbers run_dense_alone(const dense_on_host& b, const dense_problem& p, const numbers& x) {
  std::vector<float> w;
  for (const double value : p.weights()) w.push_back(static_cast<float>(value));
  const auto packed =
      b.pack(dnalm::as_matrix(static_cast<const float*>(w.data()), p.outputs, p.taps.taps * p.inputs));
  const poisoned<float> in(p.offsets().rows(), p.inputs, x.data());
  poisoned<float> y(p.offsets().rows(), p.outputs);
  b.convolution(in.view(), p.offsets(), packed, p.taps, {}, {}, y.view());
  CHECK(y.frame_is_whole());
  numbers result;
  dnalm_test::append_numbers(y.view(), result);
  return result;
}
/// `count` rows from row `first` on, of `columns` numbers each.
numbers rows_between(const numbers& x, index_t first, index_t count, index_t columns) {
  return {x.begin() + first * columns, x.begin() + (first + count) * columns};
}

const std::vector<dense_problem> dense_problems{
    {{1, 7, 0, 3, 20}, 5, 6, dnalm::same_taps(9, 2)},
    {{4, 17, 1}, 8, 16, dnalm::same_taps(3, 1)},
    {{30, 2}, 4, 3, dnalm::causal_taps(4, 3)},
    {{9}, 3, 5, dnalm::same_taps(1)},
};

}  // namespace

TEST_CASE("cuda: dense convolutions of a ragged batch are those of the reference", "[cuda][convolution]") {
  for (const index_t block_rows : {5, 4224}) {
    for (const dense_problem& p : dense_problems) {
      INFO(p.taps.taps << " taps, dilation " << p.taps.dilation << ", block of " << block_rows);
      const dense_on_host b{dnalm::cuda_backend({.block_rows = block_rows})};
      for (const bool adjoint : {false, true}) {
        const index_t columns = adjoint ? p.outputs : p.inputs;
        const numbers x = normal_numbers(p.offsets().rows() * columns, 8);
        const numbers exact = run_dense(dnalm::reference_backend(), p, x, adjoint);
        const numbers y = run_dense(b, p, x, adjoint);
        // |w|, |x| < 5: at most 9 x 16 products of 25 and as many roundings, once more in GELU and residual.
        const double size = 25.0 * static_cast<double>(p.taps.taps * columns) + 10.0;
        dnalm_test::check_within(exact, y, numbers(exact.size(), 20 * 0x1p-24 * size));
      }
    }
  }
}

TEST_CASE("cuda: dense convolutions in bf16 and f16 are near, and do not depend on the batch",
          "[cuda][convolution]") {
  using dnalm::cuda_precision;
  const dense_problem all = dense_problems[0];
  const numbers x = normal_numbers(all.offsets().rows() * all.inputs, 9);
  const numbers exact = run_dense(dnalm::reference_backend(), all, x, false);
  for (const auto precision : {cuda_precision::f32, cuda_precision::bf16, cuda_precision::f16}) {
    const dense_on_host b{dnalm::cuda_backend({.precision = precision, .block_rows = 7})};
    const numbers y = run_dense(b, all, x, false);
    // 45 products, two factors rounded by 2^-9 of themselves at most: of size 1.3, spread like their root.
    double worst = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) worst = std::max(worst, std::abs(y[i] - exact[i]));
    CHECK(worst < 0.25);
    index_t first = 0;
    for (const index_t length : all.lengths) {
      const dense_problem alone{{length}, all.inputs, all.outputs, all.taps};
      const numbers own(x.begin() + first * all.inputs, x.begin() + (first + length) * all.inputs);
      const numbers found = run_dense_alone(b, alone, own);
      CHECK(dnalm_test::same_numbers(found, rows_between(run_dense_alone(b, all, x), first, length, 6)));
      first += length;
    }
  }
}

TEST_CASE("cuda: the long convolution is within its bound of double", "[cuda][convolution]") {
  const int whole = dnalm::detail::fft_block_points;
  check_long({{1, 2, 7, 8, 9, 31, 97, 127, 128}, 35}, whole, 1);  // sums
  check_long({{129, 160, 0, 140}, 11}, whole, 2);                 // 128 rows at once, some beyond
  check_long({{161, 288, 256, 225}, 3}, whole, 3);
  check_long({{289, 511, 513, 544}, 2}, whole, 4);
  check_long({{4128}, 1}, whole, 9);  // the largest transform in one pass
}

TEST_CASE("cuda: the long convolution in two passes is within its bound of double", "[cuda][convolution]") {
  check_long({{161, 288, 250}, 5}, 128, 5);                     // 16 x 16 points, 4 channels a block
  check_long({{500, 544}, 3}, 64, 6);                           // 32 x 16, 2 channels
  check_long({{1056}, 1}, 64, 7);                               // 32 x 32, one channel
  check_long({{4129}, 1}, dnalm::detail::fft_block_points, 8);  // 128 x 64, as on a GPU
}

TEST_CASE("cuda: a sequence's convolutions have the same bits alone and in a batch", "[cuda][convolution]") {
  const convolution_problem batch{{300, 1, 40, 290, 193}, 9};
  const numbers x = normal_numbers(batch.rows() * batch.width, 11);
  for (const int block_points : {dnalm::detail::fft_block_points, 128}) {
    const convolutions_on_host b(block_points);
    for (const bool adjoint : {false, true}) {
      const numbers together = dnalm_test::run_long(b, batch, x, adjoint, false);
      const numbers near = dnalm_test::run_short(b, batch, 3, x, adjoint);
      for (index_t s = 0; s < 5; ++s) {
        const convolution_problem alone{{batch.lengths[static_cast<std::size_t>(s)]}, batch.width};
        const numbers own = rows_of(x, batch, s);
        CHECK(dnalm_test::same_numbers(rows_of(together, batch, s),
                                       dnalm_test::run_long(b, alone, own, adjoint, false)));
        CHECK(dnalm_test::same_numbers(rows_of(near, batch, s),
                                       dnalm_test::run_short(b, alone, 3, own, adjoint)));
      }
    }
  }
}

TEST_CASE("cuda: a channel's long convolution does not depend on the others", "[cuda][convolution]") {
  const convolution_problem problem{{200}, 5};
  numbers x = normal_numbers(problem.rows() * problem.width, 12);
  const convolutions_on_host b;
  const numbers before = dnalm_test::run_long(b, problem, x, false, false);
  for (index_t r = 0; r < problem.rows(); ++r) x[static_cast<std::size_t>(r * problem.width + 3)] *= 1e6;
  const numbers after = dnalm_test::run_long(b, problem, x, false, false);
  for (index_t i = 0; i < problem.rows() * problem.width; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i % problem.width != 3) CHECK(before[at] == after[at]);
  }
}

TEST_CASE("cuda: the short convolution is within a rounding a term of double", "[cuda][convolution]") {
  const convolution_problem problem{{1, 2, 0, 3, 4, 20}, 35};
  const numbers x = normal_numbers(problem.rows() * problem.width, 14);
  const convolutions_on_host b;
  for (const index_t taps : {1, 3, 4}) {
    for (const bool adjoint : {false, true}) {
      const numbers exact = dnalm_test::run_short(dnalm::reference_backend(), problem, taps, x, adjoint);
      // |w|, |x| < 5 throughout: a chain of K + 1 operations on sums of at most 25 K + 5.
      const double size = 25.0 * static_cast<double>(taps) + 5.0;
      const numbers bound(exact.size(), static_cast<double>(taps + 1) * 0x1p-24 * size);
      dnalm_test::check_within(exact, dnalm_test::run_short(b, problem, taps, x, adjoint), bound);
    }
  }
}

TEST_CASE("cuda: products by elements are rounded once, in place too", "[cuda][convolution]") {
  const numbers a = normal_numbers(7 * 19, 21);
  const numbers b = normal_numbers(7 * 19, 22);
  const numbers u = normal_numbers(7 * 19, 23);
  const auto exact = [](const numbers& x, const numbers& y) {
    numbers product;
    for (std::size_t i = 0; i < x.size(); ++i)
      product.push_back(static_cast<double>(static_cast<float>(x[i] * y[i])));
    return product;
  };
  const auto values = [](const poisoned<float>& x) {
    numbers all;
    dnalm_test::append_numbers(x.view(), all);
    CHECK(x.frame_is_whole());
    return all;
  };
  const dnalm::cuda_backend gpu;
  const poisoned<float> right(7, 19, b.data());
  poisoned<float> left(7, 19, a.data());
  poisoned<float> dy(7, 19, u.data());
  poisoned<float> db(7, 19);
  gpu.multiply_vjp(as_device(left.view()), as_device(right.view()), as_device(dy.view()),
                   as_device(dy.view()), as_device(db.view()));
  CHECK(values(dy) == exact(b, u));
  CHECK(values(db) == exact(a, u));
  gpu.multiply(as_device(left.view()), as_device(right.view()), as_device(left.view()));
  CHECK(values(left) == exact(a, b));
}

TEST_CASE("cuda: filters are the same for lengths that are computed alike", "[cuda][convolution]") {
  CHECK(dnalm::cuda_filter_taps(1) == 128);
  CHECK(dnalm::cuda_filter_taps(128) == 128);
  CHECK(dnalm::cuda_filter_taps(129) == 160);
  CHECK(dnalm::cuda_filter_taps(161) == 288);
  CHECK(dnalm::cuda_filter_taps(1026) == 1056);
  CHECK(dnalm::cuda_filter_taps(32770) == 32800);
  CHECK(dnalm::cuda_filter_taps(1000002) == 1048608);
  CHECK(dnalm::cuda_filter_taps(dnalm::cuda_longest_filter) == dnalm::cuda_longest_filter);
  CHECK(dnalm_test::error_id_of([] {
          static_cast<void>(dnalm::cuda_filter_taps(dnalm::cuda_longest_filter + 1));
        }) == "dnalm.device.660");
  for (int log = 7; log <= 25; ++log) {
    const dnalm::detail::fft_shape shape = dnalm::detail::shape_of_fft(log);
    CHECK(shape.first() * shape.second() == shape.points);
    const int points = shape.at_once() ? shape.points : std::max(shape.first(), 2 * shape.second());
    CHECK(points * shape.channels <= dnalm::detail::fft_block_points);
  }
}
