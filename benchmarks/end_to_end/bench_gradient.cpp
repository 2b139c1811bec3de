// SPDX-License-Identifier: Apache-2.0
// The gradient of the sum of the last hidden state with respect to the input, beside the forward pass.
//
//   bench_gradient --case NAME --model FOLDER --sequences FILE [--limit 6] [--formats f32] [--repeats 5]
//
// One thread, one batch. The floor of the gradient is the operations of one forward and one adjoint pass, 2 x
// those of the forward, at the measured peak; what is computed again within the blocks is not in it.
// over_forward is the ratio of the medians, and its bar 2.6 (docs/gradients.md says which networks miss it).
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "../support/sequence_bench.hpp"

namespace {

using namespace dnalm_bench;

struct arguments : sequence_arguments {
  std::string formats = "f32";
};

/// The tokens of all sequences as one batch.
struct packed_tokens {
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;
  double flops = 0;
};

packed_tokens pack(const dnalm::model& network, const std::vector<std::string>& sequences) {
  packed_tokens batch;
  for (const std::string& sequence : sequences) {
    const dnalm::token_sequence tokens = network.tokenize(sequence);
    batch.ids.insert(batch.ids.end(), tokens.ids.begin(), tokens.ids.end());
    batch.offsets.append(static_cast<index_t>(tokens.ids.size()));
    batch.flops += forward_flops(network.describe().config, static_cast<double>(tokens.ids.size()));
  }
  return batch;
}

/// Largest size of a number that a run made: keeps the work alive and shows that it is one.
double largest(dnalm::matrix_view<const float> x) {
  double most = 0;
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < x.columns; ++c) most = std::max(most, std::abs(static_cast<double>(x(r, c))));
  }
  return most;
}

/// Eight channels of the middle row: shows that peers compute the same.
std::vector<float> sample_of(dnalm::matrix_view<const float> x) {
  std::vector<float> values;
  for (index_t c = 0; c < std::min<index_t>(8, x.columns); ++c) values.push_back(x(x.rows / 2, c));
  return values;
}

class gradient_bench {
 public:
  gradient_bench(const arguments& a, dnalm::weight_format format)
      : a_(a),
        format_(format),
        network_(load_on(a.model, dnalm::cpu_backend(format))),
        batch_(pack(network_, read_sequences(a.sequences, a.limit))),
        peak_(peak_of(format, 1)) {
    // The derivative of sum of (hidden * pattern): a plain sum has no gradient behind a LayerNorm.
    request_.layers = {network_.describe().layers()};
    request_.hidden = [](index_t, dnalm::matrix_view<const float> hidden,
                         dnalm::matrix_view<float> gradient) {
      for (index_t r = 0; r < hidden.rows; ++r) {
        for (index_t c = 0; c < hidden.columns; ++c) gradient(r, c) = (r + c) % 3 == 0 ? 1.0F : -0.5F;
      }
    };
  }

  void run(report& out) {
    forward();
    gradient();
    repeat(a_.repeats, peak_, [&] {
      forward_times_.add(forward());
      gradient_times_.add(gradient());
    });
    add("forward", forward_times_, 1, out);
    add("gradient", gradient_times_, 2, out);
  }

 private:
  timing forward() {
    const stopwatch watch(true);
    network_.forward(
        batch_.ids, batch_.offsets, [](index_t, dnalm::matrix_view<const float>) {}, forward_space_);
    return watch.elapsed();
  }
  timing gradient() {
    const stopwatch watch(true);
    network_.input_gradients(
        {batch_.ids, batch_.offsets}, request_,
        [this](const dnalm::input_gradient& found) {
          largest_ = largest(found.words);
          sample_ = sample_of(found.words);
        },
        gradient_space_);
    return watch.elapsed();
  }
  void add(const std::string& what, const repetitions& times, double passes, report& out) {
    result_row row = row_at_peak(what, a_, format_, 1, passes * batch_.flops, peak_);
    row.more = {
        {"sequences", batch_.offsets.sequences()}, {"tokens", batch_.offsets.rows()}, {"clock", "cpu"}};
    if (what == "gradient") {
      row.more["over_forward"] = median(times.cpu) / median(forward_times_.cpu);
      row.more["over_case"] = row_at_peak("forward", a_, format_, 1, batch_.flops, peak_).name;
      row.more["over_forward_bar"] = 2.6;
      row.more["largest_gradient"] = largest_;
      row.more["sample"] = sample_;
    }
    out.add(row, times);
  }

  const arguments& a_;
  dnalm::weight_format format_;
  dnalm::model network_;
  packed_tokens batch_;
  peak_meter peak_;
  dnalm::gradient_request request_;
  dnalm::forward_workspace forward_space_;
  dnalm::forward_workspace gradient_space_;
  repetitions forward_times_;
  repetitions gradient_times_;
  double largest_ = 0;
  std::vector<float> sample_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = [](CLI::App& app, arguments& a) {
    app.add_option("--formats", a.formats, "f32, bf16, int8");
  };
  const auto measure = [](const arguments& a, report& out) {
    for (const auto format : parse_formats(a.formats)) gradient_bench(a, format).run(out);
  };
  return run_program(argc, argv,
                     {"bench_gradient", "Input gradients beside the forward pass", "sequences of the batch"},
                     arguments{{.limit = 3}}, options, measure);
}
