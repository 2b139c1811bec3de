// SPDX-License-Identifier: Apache-2.0
// The kernels with rows in bfloat16 on a real GPU, against the double reference on the same stored numbers.
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <gpu/row_kernels.hpp>

using dnalm::activation;
using dnalm::bfloat16;
using dnalm::matrix;
using dnalm_test::index_t;
using dnalm_test::stored_normals;

namespace {

using matrices = std::vector<matrix<double>>;
template <class B>
using scalar_in = typename std::decay_t<B>::scalar;

/// run(backend, m) on copies of the matrices in the backend's numbers; back come those of the first
/// `results`.
template <class B, class Run>
matrices results_of(const B& backend, const matrices& given, const Run& run, std::size_t results) {
  std::vector<matrix<scalar_in<B>>> m;
  for (const matrix<double>& one : given) {
    m.emplace_back(one.rows(), one.columns());
    for (index_t i = 0; i < one.rows() * one.columns(); ++i) {
      m.back().data()[i] = static_cast<scalar_in<B>>(one.data()[i]);
    }
  }
  run(backend, m);
  matrices found;
  for (std::size_t k = 0; k < results; ++k) {
    found.emplace_back(m[k].rows(), m[k].columns());
    for (index_t i = 0; i < m[k].rows() * m[k].columns(); ++i) {
      found.back().data()[i] = static_cast<double>(m[k].data()[i]);
    }
  }
  return found;
}

double gap_of(double expected, double found) {
  const double gap = std::abs(found - expected);
  return std::isnan(gap) ? std::numeric_limits<double>::infinity() : gap;
}

/// The first matrix is the result. A stored number of 8 bits is off by at most 2^-8 of itself, of 1 for small
/// ones; float arithmetic by far less than 1e-4 for rows of these sizes.
template <class T = bfloat16, class Run>
void check_rows(const std::string& name, const matrices& given, const Run& run) {
  INFO(name);
  const matrices expected = results_of(dnalm::reference_backend(), given, run, 1);
  const matrices found = results_of(dnalm_test::row_kernels<T>(), given, run, 1);
  double worst = 0.0;
  for (index_t i = 0; i < expected[0].rows() * expected[0].columns(); ++i) {
    const double value = expected[0].data()[i];
    worst = std::max(worst, gap_of(value, found[0].data()[i]) / std::max(1.0, std::abs(value)));
  }
  CHECK(worst <= (std::is_same_v<T, float> ? 0.0 : 0x1p-8) + 1e-4);
}

void check_elementwise(index_t rows, index_t width) {
  const matrix<double> wide = stored_normals(rows, 2 * width, 6);
  const auto normals = [&](std::uint64_t seed) { return stored_normals(rows, width, seed); };
  const auto of = [](auto&&... m) {
    matrices all;
    (all.push_back(std::move(m)), ...);
    return all;
  };
  check_rows("add", of(normals(1), normals(2)),
             [](const auto& b, auto& m) { b.add(m[1].view(), m[0].view()); });
  check_rows("scale", of(normals(1)), [](const auto& b, auto& m) { b.scale(0.375F, m[0].view()); });
  for (const activation f :
       {activation::none, activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
    const std::string name(dnalm::to_string(f));
    check_rows("activate " + name, of(normals(1), normals(2)),
               [f](const auto& b, auto& m) { b.activate(m[1].view(), f, m[0].view()); });
    check_rows("activation_vjp " + name, of(normals(1), normals(2), normals(3)),
               [f](const auto& b, auto& m) { b.activation_vjp(m[1].view(), f, m[2].view(), m[0].view()); });
    check_rows("gated " + name, of(normals(1), stored_normals(rows, 2 * width, 6)),
               [f](const auto& b, auto& m) { b.gated(m[1].view(), f, m[0].view()); });
    check_rows("gated_vjp " + name,
               of(stored_normals(rows, 2 * width, 5), stored_normals(rows, 2 * width, 6), normals(3)),
               [f](const auto& b, auto& m) { b.gated_vjp(m[1].view(), f, m[2].view(), m[0].view()); });
  }
}

void check_norms(index_t rows, index_t width) {
  const auto given = [&] {
    matrices m;
    for (const std::uint64_t seed : {1U, 2U, 3U}) m.push_back(stored_normals(rows, width, seed));
    m.push_back(stored_normals(1, width, 4));
    m.push_back(stored_normals(1, width, 5));
    return m;
  };
  check_rows("layer_norm", given(), [](const auto& b, auto& m) {
    b.layer_norm(m[1].view(), m[3].view().row(0), m[4].view().row(0), 1e-5F, m[0].view());
  });
  const auto rms_norm = [](const auto& b, auto& m) {
    b.rms_norm(m[1].view(), m[3].view().row(0), 1e-5F, m[0].view());
  };
  const auto rms_norm_vjp = [](const auto& b, auto& m) {
    b.rms_norm_vjp(m[1].view(), m[3].view().row(0), 1e-5F, m[2].view(), m[0].view());
  };
  check_rows("rms_norm", given(), rms_norm);
  check_rows<float>("rms_norm of floats", given(), rms_norm);
  // One or two channels leave nothing of a gradient but rounding.
  if (width > 2) {
    check_rows("rms_norm_vjp", given(), rms_norm_vjp);
    check_rows<float>("rms_norm_vjp of floats", given(), rms_norm_vjp);
    check_rows("layer_norm_vjp", given(), [](const auto& b, auto& m) {
      b.layer_norm_vjp(m[1].view(), m[3].view().row(0), 1e-5F, m[2].view(), m[0].view());
    });
  }
  check_rows("softmax_rows", given(), [](const auto& b, auto& m) { b.softmax_rows(m[0].view()); });
  check_rows("softmax_rows_vjp", given(), [width](const auto& b, auto& m) {
    for (index_t i = 0; i < m[1].rows() * width; ++i) {  // weights of about 1 / width, exact in bfloat16
      m[1].data()[i] = m[1].data()[i] > 0 ? 0x1p-6F : 0x1p-7F;
    }
    b.softmax_rows_vjp(m[1].view(), m[2].view(), m[0].view());
  });
}

void check_embedding(index_t rows, index_t width) {
  std::vector<std::int32_t> ids;
  for (index_t r = 0; r < rows; ++r) ids.push_back(static_cast<std::int32_t>(5 * r % 7));
  const auto given = [&] {
    matrices m;
    m.push_back(stored_normals(rows, width, 1));
    m.push_back(stored_normals(7, width, 2));
    m.push_back(stored_normals(1, rows, 3));
    m.push_back(stored_normals(rows, width, 4));
    return m;
  };
  const auto factors = [](auto& m) {
    return std::span<const std::decay_t<decltype(*m.data())>>(m.data(),
                                                              static_cast<std::size_t>(m.columns()));
  };
  check_rows("embed_rows", given(),
             [&](const auto& b, auto& m) { b.embed_rows(ids, m[1].view(), factors(m[2]), m[0].view()); });
  check_rows("embed_rows as they are", given(),
             [&](const auto& b, auto& m) { b.embed_rows(ids, m[1].view(), {}, m[0].view()); });
  check_rows("embed_rows_vjp", given(),
             [&](const auto& b, auto& m) { b.embed_rows_vjp(factors(m[2]), m[3].view(), m[0].view()); });
  check_rows("add_rows", given(), [&](const auto& b, auto& m) { b.add_rows(ids, m[1].view(), m[0].view()); });
}

dnalm::ragged_offsets offsets_of(const std::vector<index_t>& lengths) {
  dnalm::ragged_offsets offsets;
  for (const index_t length : lengths) offsets.append(length);
  return offsets;
}

void check_rotary(index_t heads, index_t width, index_t pairs) {
  const auto offsets = offsets_of({1, 5, 0, 13, 41});
  std::vector<float> frequencies;
  for (index_t j = 0; j < pairs; ++j) {
    frequencies.push_back(std::pow(10000.0F, -static_cast<float>(j) / static_cast<float>(pairs)));
  }
  const auto run = [&](bool adjoint) {
    matrices given;
    given.push_back(stored_normals(offsets.rows(), heads * width, 1));
    check_rows(adjoint ? "rotary_vjp" : "rotary", given, [&](const auto& b, auto& m) {
      const auto table = dnalm::make_rotary_table<scalar_in<decltype(b)>>(frequencies, 41);
      if (adjoint) {
        b.rotary_vjp(table, offsets, heads, m[0].view());
      } else {
        b.rotary(table, offsets, heads, m[0].view());
      }
    });
  };
  run(false);
  run(true);
}

struct attention_shape {
  std::vector<index_t> lengths;
  index_t heads = 1;
  index_t width = 8;
  bool alibi = false;
  index_t window = 0;
};

double largest_of(const matrix<double>& x) {
  double largest = 0.0;
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) largest = std::max(largest, std::abs(x.data()[i]));
  return largest;
}

/// Largest difference over the largest number.
double relative_gap(const matrix<double>& expected, const matrix<double>& found) {
  double worst = 0.0;
  for (index_t i = 0; i < expected.rows() * expected.columns(); ++i) {
    worst = std::max(worst, gap_of(expected.data()[i], found.data()[i]));
  }
  return worst / largest_of(expected);
}

void check_attention(const attention_shape& shape) {
  INFO(shape.lengths.front() << " tokens, " << shape.heads << " heads of " << shape.width << ", window "
                             << shape.window << ", ALiBi " << shape.alibi);
  const auto offsets = offsets_of(shape.lengths);
  std::vector<float> slopes;
  for (index_t h = 0; shape.alibi && h < shape.heads; ++h) {
    slopes.push_back(static_cast<float>(dnalm::alibi_slope(h, shape.heads)));
  }
  const auto longest = *std::max_element(shape.lengths.begin(), shape.lengths.end());
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.width));
  const auto given = [&] {
    matrices m;
    for (std::uint64_t i = 0; i < 7; ++i) {
      m.push_back(stored_normals(offsets.rows(), shape.heads * shape.width, i));
    }
    return m;
  };
  const auto options_of = [&](auto number) {
    return dnalm::attention_options<decltype(number)>{
        shape.heads, scale, {slopes.data(), static_cast<index_t>(slopes.size())}, shape.window};
  };
  const auto forward = [&](const auto& b, auto& m) {
    using S = scalar_in<decltype(b)>;
    dnalm::buffer<S> scratch(2 * longest);
    b.attention(m[3].view(), m[4].view(), m[5].view(), offsets, options_of(S{}), scratch.view(), m[0].view());
  };
  const auto adjoint = [&](const auto& b, auto& m) {
    using S = scalar_in<decltype(b)>;
    dnalm::buffer<S> scratch(2 * longest);
    b.attention_vjp(m[3].view(), m[4].view(), m[5].view(), offsets, options_of(S{}), m[6].view(),
                    scratch.view(), m[0].view(), m[1].view(), m[2].view());
  };
  const dnalm_test::row_kernels<bfloat16> gpu;
  const dnalm::reference_backend reference;
  const matrices y = results_of(reference, given(), forward, 1);
  // Weights are rounded, by 2^-8 of each: the result by that part of the largest value; and it is rounded
  // too.
  const double ratio = largest_of(given()[5]) / largest_of(y[0]);
  const double bound = (0x1p-8 * ratio + 0x1p-8) * (1.0 + 0x1p-7) + 1e-5;
  CHECK(relative_gap(y[0], results_of(gpu, given(), forward, 1)[0]) <= bound);
  const matrices d = results_of(reference, given(), adjoint, 3);
  const matrices found = results_of(gpu, given(), adjoint, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    INFO("gradient " << i);
    CHECK(relative_gap(d[i], found[i]) <= 0x1p-8 + 1e-5);
  }
}

}  // namespace

TEST_CASE("gpu: elementwise kernels, norms and embeddings of bfloat16 rows", "[gpu][bf16]") {
  for (const index_t rows : {1, 13}) {
    for (const index_t width : {1, 7, 32, 33, 264, 1025, 2060}) {
      INFO("rows " << rows << " width " << width);
      check_elementwise(rows, width);
      check_norms(rows, width);
      check_embedding(rows, width);
    }
  }
}

TEST_CASE("gpu: rotary positions of bfloat16 rows", "[gpu][bf16]") {
  for (const auto& [width, pairs] : {std::pair<index_t, index_t>{8, 4}, {24, 12}, {64, 32}, {33, 9}}) {
    check_rotary(3, width, pairs);
  }
}

TEST_CASE("gpu: attention of bfloat16, short and long", "[gpu][bf16]") {
  for (const index_t length : {2, 15, 16, 17, 41, 64, 65, 128, 129, 171, 256, 257, 600}) {
    check_attention({{length}, 2, 32});
  }
  for (const index_t width : {7, 24, 64, 72, 80, 128, 136, 256}) check_attention({{70, 3, 130}, 2, width});
  check_attention({{5, 0, 41, 1, 64, 2, 0}, 3, 24});
  check_attention({{270, 0, 17, 65}, 2, 64, true});
  for (const index_t window : {1, 16, 70, 300}) check_attention({{271, 5, 64}, 1, 8, true, window});
}

// Every kernel at sizes that the sanitizer ends with: parts of 16 bytes and single numbers, short and long.
TEST_CASE("gpu: every kernel of bfloat16 rows, small", "[gpu][bf16][sanitize]") {
  for (const index_t width : {7, 264}) {
    check_elementwise(3, width);
    check_norms(3, width);
    check_embedding(3, width);
  }
  check_rotary(3, 24, 12);
  check_attention({{41, 3}, 2, 32, true});
  check_attention({{270}, 1, 64, false, 20});
}
