// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which kernels a backend offers, one small concept per family.
///
/// A backend is a concrete class: its number type, its memory, its packed weights, and coarse kernels as
/// const members that may be called from several threads at once. Kernels trust their arguments (shapes are
/// checked once, at the public boundary) and write every element of their output; what it held before is
/// never read (but by `add`, `scale` and the kernels that work in place). The numbers of a row (a sequence
/// for attention and rotary) do not depend on which other rows stand in the call.
///
/// Every kernel `f` has its adjoint `f_vjp` in the same concept: from the gradient dy of some number by the
/// output it makes the gradient by the input, recomputing what it needs from the inputs of the forward call.
/// Gradients by parameters are kernels of their own. docs/kernels.md has all formulas in one table.
///
/// Between its kernels a backend may keep rows in a second, shorter storage type, `row`: the residual stream,
/// hidden states, logits and parameters stay numbers of type `scalar`. Without it rows are scalars as well.
///
/// Letters: R rows (tokens of all sequences), D width, F feed-forward width, V table rows.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

class thread_team;

/// Argument types of a backend's kernels.
template <class B>
using scalar_of = typename B::scalar;
template <class B>
using input_matrix = matrix_view<const typename B::scalar, B::space>;
template <class B>
using output_matrix = matrix_view<typename B::scalar, B::space>;
template <class B>
using input_vector = vector_view<const typename B::scalar, B::space>;
template <class B>
using output_vector = vector_view<typename B::scalar, B::space>;
template <class B>
using norm_poolings_of = norm_poolings<typename B::scalar, B::space>;
template <class B>
using epilogue_of = linear_epilogue<typename B::scalar, B::space>;

namespace detail {

template <class B>
concept has_row = requires {
  typename B::row;
};
template <class B>
struct row_type {
  using type = typename B::scalar;
};
template <has_row B>
struct row_type<B> {
  using type = typename B::row;
};

}  // namespace detail

/// Storage type of the rows between kernels, and their views.
template <class B>
using row_of = typename detail::row_type<B>::type;
template <class B>
using input_rows = matrix_view<const row_of<B>, B::space>;
template <class B>
using output_rows = matrix_view<row_of<B>, B::space>;

/// A backend whose rows are scalars everywhere.
template <class B>
concept plain_rows = std::same_as<row_of<B>, scalar_of<B>>;

/// Columns of memory that a row of `columns` takes in a workspace: with a storage type of their own, rows
/// begin at multiples of 16 bytes.
template <class B>
[[nodiscard]] index_t row_stride(index_t columns) {
  if constexpr (plain_rows<B>) {
    return columns;
  } else {
    constexpr auto pack = static_cast<index_t>(16 / sizeof(row_of<B>));
    return checked_mul(checked_add(columns, pack - 1) / pack, pack);
  }
}

/// Owns memory in its space: `vector`, `tensor` (a matrix), `upload` from the host, `scratch` for workspaces.
template <class B>
concept memory_kernels = requires(const B& b, std::span<const typename B::scalar> values, index_t size) {
  typename B::vector;
  typename B::tensor;
  { b.upload(values) } -> std::same_as<typename B::vector>;
  { b.upload(values, size, size) } -> std::same_as<typename B::tensor>;
  { b.allocate(size) } -> std::same_as<typename B::vector>;
  { b.name() } -> std::same_as<std::string_view>;
};

/// Products with weights: y = residual + function(x W^T + bias); W is (out, in), packed once by `pack`, or by
/// `pack_gated` when its rows are those of a gated layer, [a | b] (out = 2F). Of such a weight `linear` makes
/// [a | b] as of any other, and linear_gated y (R, F) = function(a) b, with no residual, in one step. Both
/// need linear_scratch(w) numbers.
///
/// linear_vjp: dx = residual + dy W for dy (R, out), dx (R, in): the adjoint of the product alone (the bias
/// has none, activation_vjp is the function's). The residual (R, in) may be missing (data null); dx may be
/// the residual, not dy.
template <class B>
concept linear_kernels = requires(const B& b, input_matrix<B> x, const typename B::weight& w,
                                  epilogue_of<B> epilogue, output_vector<B> scratch, output_matrix<B> y,
                                  matrix_view<const typename B::scalar> host) {
  { b.pack(host) } -> std::same_as<typename B::weight>;
  { b.pack_gated(host) } -> std::same_as<typename B::weight>;
  { b.linear_scratch(w) } -> std::same_as<index_t>;
  { b.linear(x, w, epilogue, scratch, y) } -> std::same_as<void>;
  { b.linear_gated(x, w, epilogue, scratch, y) } -> std::same_as<void>;
  { b.linear_vjp_scratch(w) } -> std::same_as<index_t>;
  { b.linear_vjp(x, w, x, scratch, y) } -> std::same_as<void>;
};

/// Rows of tables: y[r] = row_scale[r] table[ids[r]] (row_scale empty: 1), and y[r] += table[ids[r]].
///
/// embed_rows_vjp: the gradient by the rows that were looked up, dx[r] = row_scale[r] dy[r]; dx may be dy.
/// (By one-hot letters it is `linear` of that with the packed table.) add_rows is its own adjoint.
template <class B>
concept embedding_kernels = requires(const B& b, std::span<const std::int32_t> ids, input_matrix<B> table,
                                     std::span<const typename B::scalar> row_scale, output_matrix<B> y) {
  { b.embed_rows(ids, table, row_scale, y) } -> std::same_as<void>;
  { b.add_rows(ids, table, y) } -> std::same_as<void>;
  { b.embed_rows_vjp(row_scale, table, y) } -> std::same_as<void>;
};

/// y = (x - mean) / sqrt(var + eps) gamma + beta by rows; y may be x.
///
/// layer_norm_vjp: dx from x, gamma and dy; dx may be dy, not x.
template <class B>
concept norm_kernels = requires(const B& b, input_matrix<B> x, input_vector<B> gamma, typename B::scalar eps,
                                output_matrix<B> y) {
  { b.layer_norm(x, gamma, gamma, eps, y) } -> std::same_as<void>;
  { b.layer_norm_vjp(x, gamma, eps, x, y) } -> std::same_as<void>;
};

/// Rotary positions in place, softmax(q k^T) v by sequence and head, softmax by rows in place.
///
/// rotary_vjp: the rotation by the opposite angles, in place. attention_vjp(q, k, v, offsets, options, dy,
/// scratch, dq, dk, dv): the outputs overlap neither each other nor the inputs; all may be column blocks.
/// softmax_rows_vjp(p, dp, dx), p the probabilities: dx = p (dp - sum of p dp); dx may be dp.
template <class B>
concept attention_kernels = requires(const B& b, input_matrix<B> q, const ragged_offsets& offsets,
                                     index_t size, const attention_options<typename B::scalar>& options,
                                     output_vector<B> scratch, output_matrix<B> y,
                                     const rotary_table<typename B::scalar>& table) {
  { b.rotary(table, offsets, size, y) } -> std::same_as<void>;
  { b.attention_scratch(size, size) } -> std::same_as<index_t>;
  { b.attention(q, q, q, offsets, options, scratch, y) } -> std::same_as<void>;
  { b.softmax_rows(y) } -> std::same_as<void>;
  { b.rotary_vjp(table, offsets, size, y) } -> std::same_as<void>;
  { b.attention_vjp_scratch(size, size) } -> std::same_as<index_t>;
  { b.attention_vjp(q, q, q, offsets, options, q, scratch, y, y, y) } -> std::same_as<void>;
  { b.softmax_rows_vjp(q, q, y) } -> std::same_as<void>;
};

/// Elementwise: y = function(a) b for x = [a | b] (`gated`), y = function(x) (`activate`; y may be x), y +=
/// x, y *= factor. Both give the bits of linear_gated and of linear's function after a product without it.
///
/// activation_vjp(z, function, dy, dz): dz = function'(z) dy, dz may be dy or z. gated_vjp(x, function, dy,
/// dx): dx = [function'(a) b dy | function(a) dy], dx may be x. add and scale are their own adjoints.
template <class B>
concept elementwise_kernels = requires(const B& b, input_matrix<B> x, activation function,
                                       typename B::scalar factor, output_matrix<B> y) {
  { b.gated(x, function, y) } -> std::same_as<void>;
  { b.activate(x, function, y) } -> std::same_as<void>;
  { b.activation_vjp(x, function, x, y) } -> std::same_as<void>;
  { b.gated_vjp(x, function, x, y) } -> std::same_as<void>;
  { b.add(x, y) } -> std::same_as<void>;
  { b.scale(factor, y) } -> std::same_as<void>;
};

/// A backend that does in one step what a layer with an activation does for its adjoint's sake, with the same
/// bits: `linear_recorded` is `linear` (linear_gated, where the weight was packed so) that also leaves z = x
/// W^T + bias; `linear_recorded_vjp` is activation_vjp (gated_vjp) at z followed by linear_vjp.
template <class B>
concept recording_kernels = requires(const B& b, input_matrix<B> x, const typename B::weight& w,
                                     activation function, epilogue_of<B> epilogue, output_vector<B> scratch,
                                     output_matrix<B> y) {
  { b.linear_recorded(x, w, epilogue, scratch, y, y) } -> std::same_as<void>;
  { b.linear_recorded_vjp(x, function, x, w, x, scratch, y) } -> std::same_as<void>;
};

/// Kernels on rows in a storage type of their own, for backends that have one. `linear` and `linear_gated`
/// read and write scalars or rows, `layer_norm` makes rows of scalars or of rows, and
/// layer_norm_both(x, gamma, beta, eps, y, q) scalars y and their rows q; y may be x.
///
/// Their adjoints: linear_vjp makes rows of scalars without a residual, and scalars of rows; attention_vjp,
/// rotary_vjp, gated_vjp and activation_vjp are on rows alone, as are `rotary`, `gated` and `activate`.
///
/// attention_packed(x, rotation, offsets, options, scratch, y): attention of x (R, 3 D) = [q | k | v], q and
/// k rotated before unless `rotation` is null; y (R, D). It may overwrite q and k by what they are rotated.
template <class B>
concept row_kernels = plain_rows<B> ||
    requires(const B& b, input_matrix<B> x, input_rows<B> p, const typename B::weight& w,
             epilogue_of<B> epilogue, input_vector<B> gamma, typename B::scalar eps,
             const rotary_table<typename B::scalar>* rotation, const ragged_offsets& offsets,
             const attention_options<typename B::scalar>& options, output_vector<B> scratch,
             output_matrix<B> y, output_rows<B> q) {
  { b.linear(x, w, epilogue, scratch, q) } -> std::same_as<void>;
  { b.linear(p, w, epilogue, scratch, q) } -> std::same_as<void>;
  { b.linear(p, w, epilogue, scratch, y) } -> std::same_as<void>;
  { b.linear_gated(x, w, epilogue, scratch, q) } -> std::same_as<void>;
  { b.linear_gated(p, w, epilogue, scratch, q) } -> std::same_as<void>;
  { b.layer_norm(x, gamma, gamma, eps, q) } -> std::same_as<void>;
  { b.layer_norm(p, gamma, gamma, eps, q) } -> std::same_as<void>;
  { b.layer_norm_both(x, gamma, gamma, eps, y, q) } -> std::same_as<void>;
  { b.attention_packed(q, rotation, offsets, options, scratch, q) } -> std::same_as<void>;
  { b.linear_vjp(x, w, x, scratch, q) } -> std::same_as<void>;
  { b.linear_vjp(p, w, x, scratch, y) } -> std::same_as<void>;
  { b.attention_vjp(p, p, p, offsets, options, p, scratch, q, q, q) } -> std::same_as<void>;
  { b.rotary(*rotation, offsets, index_t{1}, q) } -> std::same_as<void>;
  { b.rotary_vjp(*rotation, offsets, index_t{1}, q) } -> std::same_as<void>;
  { b.gated(p, activation::none, q) } -> std::same_as<void>;
  { b.activate(p, activation::none, q) } -> std::same_as<void>;
  { b.gated_vjp(p, activation::none, p, q) } -> std::same_as<void>;
  { b.activation_vjp(p, activation::none, p, q) } -> std::same_as<void>;
};

/// A backend that pools rows by sequence in the pass that norms them: y as `layer_norm` makes it, in rows of
/// the storage type for them, and the poolings of x, which must overlap neither. Pooling needs no adjoint of
/// its own here: nobody differentiates a pass that pools so.
template <class B>
concept norm_pooling_kernels = requires(const B& b, input_matrix<B> x, input_vector<B> gamma,
                                        typename B::scalar eps, const ragged_offsets& offsets,
                                        const norm_poolings_of<B>& poolings, output_rows<B> q) {
  { b.layer_norm_pooled(x, gamma, gamma, eps, offsets, poolings, q) } -> std::same_as<void>;
};

/// A backend of rows that the host cannot read, which takes some of them out: y[i] = x[rows[i]], rows (n) in
/// host memory, y (n, D).
template <class B>
concept gather_kernels = requires(const B& b, input_matrix<B> x, std::span<const index_t> rows,
                                  output_matrix<B> y) {
  { b.gather_rows(x, rows, y) } -> std::same_as<void>;
};

/// Convolutions along the sequences of a batch, as products with weights (out, taps in) that `pack` has
/// packed: y[r] = residual[r] + function(sum over t of x[r + t dilation - before] W_t^T + bias), W_t the
/// columns [t in, (t + 1) in) of W, and zeros for rows outside of r's sequence. y may be the residual, not x.
///
/// convolution_vjp: dx[r] = residual[r] + sum over t of dy[r + before - t dilation] W_t: the adjoint of the
/// product alone; dx may be the residual, not dy.
template <class B>
concept convolution_kernels = requires(const B& b, input_matrix<B> x, const ragged_offsets& offsets,
                                       const typename B::weight& w, const convolution_taps& taps,
                                       epilogue_of<B> epilogue, output_vector<B> scratch,
                                       output_matrix<B> y) {
  { b.convolution_scratch(w) } -> std::same_as<index_t>;
  { b.convolution(x, offsets, w, taps, epilogue, scratch, y) } -> std::same_as<void>;
  { b.convolution_vjp_scratch(w, taps) } -> std::same_as<index_t>;
  { b.convolution_vjp(x, offsets, w, taps, x, scratch, y) } -> std::same_as<void>;
};

/// A backend whose kernels can be cut into parts for a team of threads: a copy that works on the team, which
/// gives the same bits, needs the scratch that its own scratch functions say, and serves one pass at a time.
template <class B>
concept team_kernels = requires(const B& b, thread_team* team) {
  { b.on_team(team) } -> std::same_as<B>;
};

/// The backend on a team (null: on the calling thread); itself where it knows no teams.
template <class B>
[[nodiscard]] decltype(auto) on_team(const B& backend, [[maybe_unused]] thread_team* team) {
  if constexpr (team_kernels<B>) {
    return backend.on_team(team);
  } else {
    return (backend);
  }
}

/// Everything a transformer encoder needs.
template <class B>
concept encoder_backend = memory_kernels<B> && linear_kernels<B> && embedding_kernels<B> && norm_kernels<B> &&
    attention_kernels<B> && elementwise_kernels<B> && row_kernels<B>;

/// A backend of encoders that has convolutions too.
template <class B>
concept convolution_backend = encoder_backend<B> && convolution_kernels<B>;

DNALM_END_NAMESPACE
