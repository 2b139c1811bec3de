// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The backend on a GPU: float rows, kernels of this module, products through cuBLASLt.
/// cuda/cuda_bf16_backend.hpp has the one that keeps rows in bfloat16.
///
/// Needs no CUDA to be compiled: the program links one source that includes dnalm/cuda.cuh, made by the CMake
/// function dnalm_add_cuda(target).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/pooling_kind.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/detail/captured_graph.hpp>
#include <dnalm/cuda/detail/convolution_products.hpp>
#include <dnalm/cuda/detail/cuda_state.hpp>
#include <dnalm/cuda/detail/lent_rows.hpp>
#include <dnalm/cuda/detail/pinned_memory.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/elementwise.hpp>
#include <dnalm/cuda/embedding.hpp>
#include <dnalm/cuda/gated.hpp>
#include <dnalm/cuda/gather.hpp>
#include <dnalm/cuda/layer_kernels.hpp>
#include <dnalm/cuda/layer_norm.hpp>
#include <dnalm/cuda/norm_pool.hpp>
#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/product_rows.hpp>
#include <dnalm/cuda/products.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/sequence_kernels.hpp>
#include <dnalm/cuda/softmax.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Kernels in float on one GPU (formulas in the headers of this module). Copies share memory, stream and
/// plans; safe to share between threads.
///
/// All kernels of a backend and its copies go into one stream, whichever thread calls them. One batch fills a
/// GPU, so a stream per thread would gain little; and in one stream a weight that one thread has uploaded is
/// there for the next one's kernels, and scratch memory passes from kernel to kernel without a wait. No
/// result depends on it. Calls return when the kernel is in the stream; `download` and `synchronize` wait.
/// Only what a thread records (`capture`) goes elsewhere, until it is replayed in that stream.
///
/// What kernels read of host memory (ids, offsets, row scales, slopes) is copied to the GPU once and found by
/// its contents as long as it is in use; a rotary table is found by its identity. Scratch comes from a pool
/// of the backend: its scratch functions say 0.
class cuda_backend : public cuda_sequence_kernels<cuda_backend> {
  friend cuda_layer_kernels<cuda_backend>;
  friend cuda_sequence_kernels<cuda_backend>;

 public:
  using scalar = float;
  using weight = cuda_weight;
  using vector = device_buffer<float>;
  using tensor = device_tensor<float>;
  static constexpr memory_space space = memory_space::device;

  /// \throws error as cuda_find_device, cuda_matmul and device_buffer; [dnalm.usage.616] for options that
  /// make no sense.
  explicit cuda_backend(const cuda_options& options = {})
      : state_(std::make_shared<detail::cuda_state>(options)) {}

  [[nodiscard]] std::string_view name() const { return "cuda"; }
  [[nodiscard]] const cuda_options& options() const { return state_->options; }
  [[nodiscard]] const cuda_device& device() const { return state_->device; }
  /// Bytes of the GPU's memory that the backend and all it made hold now.
  [[nodiscard]] index_t memory_used() const { return state_->memory->used(); }
  /// Waits for all kernels so far. \throws error [dnalm.device.615] when one of them failed.
  void synchronize() const { cuda_synchronize(stream()); }

  [[nodiscard]] vector allocate(index_t size) const {
    return with_room([&] { return vector(state_->memory, size); });
  }
  [[nodiscard]] vector upload(std::span<const float> values) const {
    vector result = allocate(static_cast<index_t>(values.size()));
    put(values, result.data());
    return result;
  }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    tensor result = with_room([&] { return tensor(state_->memory, rows, columns); });
    put(values, result.data());
    return result;
  }
  /// Copies host rows over rows of the GPU of the same shape. The host memory may change afterwards.
  void upload_rows(matrix_view<const float> x, device_matrix<float> y) const {
    cuda_upload(stream(), x.data, y.data, byte_rows(x, y.stride));
    synchronize();
  }
  /// Copies rows to the host, after all kernels so far.
  void download(device_matrix<const float> x, matrix_view<float> y) const {
    cuda_download(stream(), x.data, y.data, byte_rows(x, y.stride));
    synchronize();
  }

  [[nodiscard]] weight pack(matrix_view<const float> w) const { return pack_parts({&w, 1}, false); }
  [[nodiscard]] weight pack_gated(matrix_view<const float> w) const { return pack_parts({&w, 1}, true); }
  /// The rows of several matrices below each other.
  [[nodiscard]] weight pack_parts(std::span<const matrix_view<const float>> parts, bool gated) const {
    select();
    return with_room([&] { return state_->products.pack(parts, gated); });
  }
  [[nodiscard]] index_t linear_scratch(const weight&) const { return 0; }
  void linear(device_matrix<const float> x, const weight& w, const device_epilogue& epilogue,
              device_vector<float>, device_matrix<float> y) const {
    select();
    state_->products.linear(x, w, epilogue, y);
  }
  void linear_gated(device_matrix<const float> x, const weight& w, const device_epilogue& epilogue,
                    device_vector<float>, device_matrix<float> y) const {
    select();
    state_->products.linear_gated(x, w, epilogue, y);
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight&) const { return 0; }
  void linear_vjp(device_matrix<const float> dy, const weight& w, device_matrix<const float> residual,
                  device_vector<float>, device_matrix<float> dx) const {
    select();
    state_->products.linear_vjp(dy, w, residual, dx);
  }
  void embed_rows(std::span<const std::int32_t> ids, device_matrix<const float> table,
                  std::span<const float> row_scale, device_matrix<float> y) const {
    const auto rows = on_gpu(ids);
    const auto scale = on_gpu(row_scale);
    cuda_embed_rows<float>(stream(), rows.view, table, scale.view, y);
  }
  void embed_rows_vjp(std::span<const float> row_scale, device_matrix<const float> dy,
                      device_matrix<float> dx) const {
    const auto scale = on_gpu(row_scale);
    cuda_embed_rows_vjp<float>(stream(), scale.view, dy, dx);
  }
  void add_rows(std::span<const std::int32_t> ids, device_matrix<const float> table,
                device_matrix<float> y) const {
    const auto rows = on_gpu(ids);
    cuda_add_rows<float>(stream(), rows.view, table, y);
  }
  void layer_norm(device_matrix<const float> x, device_vector<const float> gamma,
                  device_vector<const float> beta, float eps, device_matrix<float> y) const {
    cuda_layer_norm<float>(stream(), x, gamma, beta, eps, y);
  }
  /// As norm_pooling_kernels says; bits as cuda_norm_pool.
  void layer_norm_pooled(device_matrix<const float> x, device_vector<const float> gamma,
                         device_vector<const float> beta, float eps, const ragged_offsets& offsets,
                         const norm_poolings<float, space>& poolings, device_matrix<float> y) const {
    norm_and_pool(x, gamma, beta, eps, offsets, poolings, y);
  }
  void layer_norm_vjp(device_matrix<const float> x, device_vector<const float> gamma, float eps,
                      device_matrix<const float> dy, device_matrix<float> dx) const {
    cuda_layer_norm_vjp<float>(stream(), x, gamma, eps, dy, dx);
  }
  void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
              device_matrix<float> x) const {
    rotate(table, offsets, [&](const device_rotary_table& angles, device_vector<const index_t> places) {
      cuda_rotary<float>(stream(), angles, places, heads, x);
    });
  }
  void rotary_vjp(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                  device_matrix<float> y) const {
    rotate(table, offsets, [&](const device_rotary_table& angles, device_vector<const index_t> places) {
      cuda_rotary_vjp<float>(stream(), angles, places, heads, y);
    });
  }
  [[nodiscard]] index_t attention_scratch(index_t, index_t) const { return 0; }
  void attention(device_matrix<const float> q, device_matrix<const float> k, device_matrix<const float> v,
                 const ragged_offsets& offsets, const attention_options<float>& options, device_vector<float>,
                 device_matrix<float> y) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    const auto slopes =
        on_gpu(std::span<const float>(options.alibi_slopes.begin(), options.alibi_slopes.end()));
    cuda_attention<float>(stream(), q, k, v, {places.view, longest_of(offsets)},
                          attention_of(options, slopes.view), y);
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t, index_t) const { return 0; }
  void attention_vjp(device_matrix<const float> q, device_matrix<const float> k, device_matrix<const float> v,
                     const ragged_offsets& offsets, const attention_options<float>& options,
                     device_matrix<const float> dy, device_vector<float>, device_matrix<float> dq,
                     device_matrix<float> dk, device_matrix<float> dv) const {
    attend_back<float>(q, k, v, offsets, options, dy, dq, dk, dv);
  }
  void softmax_rows(device_matrix<float> x) const { cuda_softmax_rows<float>(stream(), x); }
  void softmax_rows_vjp(device_matrix<const float> p, device_matrix<const float> dp,
                        device_matrix<float> dx) const {
    cuda_softmax_rows_vjp<float>(stream(), p, dp, dx);
  }
  void gated(device_matrix<const float> x, activation function, device_matrix<float> y) const {
    cuda_gated<float>(stream(), x, function, y);
  }
  void gated_vjp(device_matrix<const float> x, activation function, device_matrix<const float> dy,
                 device_matrix<float> dx) const {
    cuda_gated_vjp<float>(stream(), x, function, dy, dx);
  }
  void activate(device_matrix<const float> x, activation function, device_matrix<float> y) const {
    cuda_activate<float>(stream(), x, function, y);
  }
  void activation_vjp(device_matrix<const float> z, activation function, device_matrix<const float> dy,
                      device_matrix<float> dz) const {
    cuda_activation_vjp<float>(stream(), z, function, dy, dz);
  }
  void add(device_matrix<const float> x, device_matrix<float> y) const { cuda_add<float>(stream(), x, y); }
  void scale(float factor, device_matrix<float> y) const { cuda_scale<float>(stream(), factor, y); }

  [[nodiscard]] index_t convolution_scratch(const weight&) const { return 0; }
  void convolution(device_matrix<const float> x, const ragged_offsets& offsets, const weight& w,
                   const convolution_taps& taps, const device_epilogue& epilogue, device_vector<float>,
                   device_matrix<float> y) const {
    convolution_between(x, offsets, w, taps, epilogue, {}, offsets, y);
  }
  void convolution_between(device_matrix<const float> x, const ragged_offsets& from, const weight& w,
                           const convolution_taps& taps, const device_epilogue& epilogue,
                           device_vector<float>, const ragged_offsets& to, device_matrix<float> y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    convolutions(from, to, rows.view()).forward(x, w, taps, epilogue, y);
  }
  [[nodiscard]] index_t convolution_vjp_scratch(const weight&, const convolution_taps&) const { return 0; }
  void convolution_vjp(device_matrix<const float> dy, const ragged_offsets& offsets, const weight& w,
                       const convolution_taps& taps, device_matrix<const float> residual,
                       device_vector<float>, device_matrix<float> dx) const {
    convolution_between_vjp(dy, offsets, w, taps, residual, {}, offsets, dx);
  }
  void convolution_between_vjp(device_matrix<const float> dy, const ragged_offsets& from, const weight& w,
                               const convolution_taps& taps, device_matrix<const float> residual,
                               device_vector<float>, const ragged_offsets& to,
                               device_matrix<float> dx) const {
    const detail::uploaded_resizing rows = resizing(to, from);
    convolutions(to, from, rows.view()).vjp(dy, w, taps, residual, dx);
  }

  /// y[i] = x[rows[i]].
  void gather_rows(device_matrix<const float> x, std::span<const index_t> rows,
                   device_matrix<float> y) const {
    const auto places = on_gpu(rows);
    cuda_gather_rows<float>(stream(), x, places.view, y);
  }
  /// y (sequences, D): one vector of each sequence's rows. `special` has a flag for each row: not a sequence
  /// token. \throws error [dnalm.internal.641] for `tokens`, which is no pooling.
  void pool_rows(pooling kind, device_matrix<const float> x, const ragged_offsets& offsets,
                 std::span<const unsigned char> special, device_matrix<float> y) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    const auto flags = on_gpu(special);
    const bool all = kind == pooling::mean_all || kind == pooling::cls;
    cuda_pool_rows<float>(stream(), x,
                          {.offsets = places.view,
                           .left_out = all ? device_vector<const unsigned char>{} : flags.view,
                           .how = reduction_of(kind)},
                          y);
  }
  /// y (sequences, D): what was 0 becomes NaN where a number of x is not finite.
  void note_non_finite(device_matrix<const float> x, const ragged_offsets& offsets,
                       device_matrix<float> y) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    cuda_note_non_finite<float>(stream(), x, places.view, y);
  }
  /// Zeros.
  void clear(device_matrix<float> x) const {
    const bool whole = x.stride == x.columns;
    const index_t row = (whole ? x.rows * x.columns : x.columns) * static_cast<index_t>(sizeof(float));
    for (index_t r = 0; r < (whole ? 1 : x.rows); ++r) cuda_clear(stream(), x.row_data(r), row);
  }
  /// Rows of a batch that fill the GPU.
  [[nodiscard]] index_t batch_rows() const { return state_->options.block_rows; }
  /// Whether a batch that the GPU has no memory for may run in parts.
  [[nodiscard]] bool splits_batches() const { return !state_->options.deterministic; }

  using lent = detail::lent_rows;
  /// A copy of rows, of the numbers that they have in the order of the stream, for as long as it is kept.
  [[nodiscard]] lent copy_of(device_matrix<const float> x) const {
    lent copy(state_, x.rows, x.columns);
    cuda_finish_rows(stream(), x, {}, copy.view());
    return copy;
  }

  using pinned = detail::pinned_memory;
  /// Puts a copy of contiguous rows to page-locked memory into the stream, larger memory in place of `to`
  /// when it is too small. The numbers are there after `to.wait()`, which waits for nothing that comes later.
  void download_later(device_matrix<const float> x, pinned& to) const {
    const index_t bytes = checked_mul(checked_mul(x.rows, x.columns), static_cast<index_t>(sizeof(float)));
    if (bytes == 0) return;
    if (to.size() < bytes) to = pinned(state_->device.number, bytes);
    to.wait();
    cuda_download(stream(), x.data, to.data(), {.bytes = bytes});
    to.mark(stream());
  }

  /// Work that was recorded; it refers to the memory that its kernels were given.
  using graph = std::unique_ptr<const detail::captured_graph>;
  [[nodiscard]] bool uses_graphs() const { return state_->options.graphs; }
  /// Records the kernels that `work` calls on this thread; none of them runs. What they take of scratch and
  /// uploaded arrays stays as long as the graph. No downloads and waits within `work`.
  template <class Work>
  [[nodiscard]] graph capture(const Work& work) const {
    select();
    struct trim_at_end {
      detail::scratch_pool& pool;
      ~trim_at_end() { pool.trim_recorded(); }
    };
    const trim_at_end trim{state_->products.pool()};
    return std::make_unique<const detail::captured_graph>(state_, state_->device.number, state_->order, work);
  }
  /// Never between the kernels of a product that another thread starts.
  void replay(const graph& work) const {
    const auto lock = state_->products.between_products();
    cuda_launch_graph(stream(), work->get());
  }

  /// The stream of all kernels, for kernels beside the backend's; the GPU becomes that of the calling thread.
  [[nodiscard]] cuda_stream stream() const {
    select();
    return state_->order.get();
  }

 private:
  [[nodiscard]] static row_reduction reduction_of(pooling kind) {
    switch (kind) {
      case pooling::cls: return row_reduction::first;
      case pooling::max: return row_reduction::largest;
      case pooling::mean:
      case pooling::mean_all: return row_reduction::mean;
      case pooling::tokens: break;
    }
    throw error(error_kind::internal, 641, "pooling `tokens` has no pooled form");
  }
  [[nodiscard]] detail::convolution_products convolutions(const ragged_offsets& inputs,
                                                          const ragged_offsets& outputs,
                                                          const device_resizing& rows) const {
    return {state_->products, stream(), state_->options.block_rows, inputs, outputs, rows};
  }
  /// What `make` makes; when there is no memory for it, what the scratch pool has to spare goes first.
  template <class Make>
  [[nodiscard]] std::invoke_result_t<const Make&> with_room(const Make& make) const {
    try {
      return make();
    } catch (const error& e) {
      if (e.kind() != error_kind::memory) throw;
    }
    state_->products.pool().trim();
    return make();
  }
  void put(std::span<const float> values, float* to) const {
    cuda_upload(stream(), values.data(), to, {.bytes = static_cast<index_t>(values.size_bytes())});
    synchronize();
  }
  template <class Rows>
  [[nodiscard]] static cuda_byte_rows byte_rows(const Rows& x, index_t to_stride) {
    constexpr auto bytes = static_cast<index_t>(sizeof(float));
    return {x.rows, x.columns * bytes, x.stride * bytes, to_stride * bytes};
  }

 protected:
  // for backends that keep rows otherwise
  void select() const { cuda_select_device(state_->device.number); }
  template <class T>
  [[nodiscard]] detail::uploaded<T> on_gpu(std::span<const T> values) const {
    select();
    return state_->find(values);
  }
  [[nodiscard]] static index_t longest_of(const ragged_offsets& offsets) {
    index_t longest = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) longest = std::max(longest, offsets.length(s));
    return longest;
  }
  [[nodiscard]] static device_attention_options attention_of(const attention_options<float>& options,
                                                             device_vector<const float> slopes) {
    return {options.heads, options.score_scale, slopes, options.window};
  }

  template <class T>
  void attend_back(device_matrix<const T> q, device_matrix<const T> k, device_matrix<const T> v,
                   const ragged_offsets& offsets, const attention_options<float>& options,
                   device_matrix<const T> dy, device_matrix<T> dq, device_matrix<T> dk,
                   device_matrix<T> dv) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    const auto slopes =
        on_gpu(std::span<const float>(options.alibi_slopes.begin(), options.alibi_slopes.end()));
    const index_t numbers = cuda_attention_vjp_scratch(q.rows, options.heads);
    auto scratch = state_->products.pool().template lend_rows<float>(1, numbers);
    cuda_attention_vjp<T>(stream(), q, k, v, {places.view, longest_of(offsets)},
                          attention_of(options, slopes.view), dy, {scratch.template as<float>(), numbers}, dq,
                          dk, dv);
  }
  /// Calls kernel(table, offsets) with both on the GPU; a table of no pairs turns nothing.
  template <class Kernel>
  void rotate(const rotary_table<float>& table, const ragged_offsets& offsets, const Kernel& kernel) const {
    if (table.pairs() == 0) return;
    select();
    const auto numbers = state_->find(table);
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    kernel(numbers.table, places.view);
  }
  template <class T>
  void norm_and_pool(device_matrix<const float> x, device_vector<const float> gamma,
                     device_vector<const float> beta, float eps, const ragged_offsets& offsets,
                     const norm_poolings<float, space>& poolings, device_matrix<T> y) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    const auto flags = on_gpu(poolings.special);
    const index_t numbers = cuda_norm_pool_scratch(x.rows, offsets.sequences(), x.columns);
    auto scratch = state_->products.pool().template lend_rows<double>(1, numbers);
    cuda_norm_pool<T>(stream(), x, gamma, beta, eps, {places.view, flags.view, longest_of(offsets)},
                      {scratch.template as<double>(), numbers}, y,
                      {poolings.mean, poolings.mean_all, poolings.noted});
  }

  std::shared_ptr<detail::cuda_state> state_;
};

static_assert(convolution_backend<cuda_backend>);
static_assert(hyena_backend<cuda_backend> && layer_backend<cuda_backend>);
static_assert(caduceus_backend<cuda_backend>);
static_assert(encoder_backend<cuda_backend> && norm_pooling_kernels<cuda_backend> &&
              gather_kernels<cuda_backend>);

DNALM_END_NAMESPACE
