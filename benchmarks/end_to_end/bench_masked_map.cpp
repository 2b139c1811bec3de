// SPDX-License-Identifier: Apache-2.0
// The masked map of a language model beside the plain forward passes that it takes.
//
//   bench_masked_map --case NAME --model FOLDER --sequences FILE [--limit 2] [--formats f32] [--repeats 5]
//
// One thread. "passes" runs each sequence once for every token of DNA, in batches of the size that the map's
// have, and looks at nothing; "masked_map" masks each token, takes the logits of its row, and makes
// probabilities and entropies of them. over_forward is the ratio of their medians.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>

#include "../support/sequence_bench.hpp"

namespace {

using namespace dnalm_bench;

struct arguments : sequence_arguments {
  std::string formats = "f32";
};

class masked_map_bench {
 public:
  masked_map_bench(const arguments& a, dnalm::weight_format format)
      : a_(a),
        format_(format),
        network_(load_on(a.model, dnalm::cpu_backend(format))),
        peak_(peak_of(format, 1)) {
    for (const std::string& sequence : read_sequences(a.sequences, a.limit)) {
      records_.push_back({.name = std::to_string(records_.size()), .sequence = sequence});
    }
  }

  void run(report& out) {
    passes();
    map();
    repeat(a_.repeats, peak_, [&] {
      pass_times_.add(passes());
      map_times_.add(map());
    });
    add("passes", pass_times_, out);
    add("masked_map", map_times_, out);
  }

 private:
  timing passes() {
    const stopwatch watch(true);
    work_ = 0;
    count_ = 0;
    for (const auto& record : records_) {
      const dnalm::token_sequence tokens = network_.tokenize(record.sequence);
      index_t left = 0;
      for (std::size_t t = 0; t < tokens.ids.size(); ++t) left += tokens.end[t] > tokens.begin[t] ? 1 : 0;
      count_ += left;
      work_ += static_cast<double>(left) *
               forward_flops(network_.describe().config, static_cast<double>(tokens.size()));
      const index_t most = std::max<index_t>(network_.prefers().tokens / tokens.size(), 1);
      for (; left > 0; left -= std::min(left, most)) {
        std::vector<std::int32_t> ids;
        dnalm::ragged_offsets offsets;
        for (index_t i = 0; i < std::min(left, most); ++i) {
          ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
          offsets.append(tokens.size());
        }
        network_.forward(
            ids, offsets, [](index_t, dnalm::matrix_view<const float>) {}, workspace_);
      }
    }
    return watch.elapsed();
  }
  timing map() {
    const stopwatch watch(true);
    const auto found = dnalm::predict_nucleotides(network_, records_, {.threads = 1});
    entropy_ = 0;
    for (const double bits : dnalm::entropy_bits(found.front().log_probabilities)) entropy_ += bits;
    return watch.elapsed();
  }
  void add(const std::string& what, const repetitions& times, report& out) {
    result_row row = row_at_peak(what, a_, format_, 1, work_, peak_);
    row.more = {
        {"sequences", records_.size()}, {"passes", count_}, {"clock", "cpu"}, {"entropy_of_first", entropy_}};
    if (what == "masked_map") {
      row.more["over_forward"] = median(times.cpu) / median(pass_times_.cpu);
      row.more["over_case"] = row_at_peak("passes", a_, format_, 1, work_, peak_).name;
      row.more["over_forward_bar"] = 1.05;
    }
    out.add(row, times);
  }

  const arguments& a_;
  dnalm::weight_format format_;
  dnalm::model network_;
  peak_meter peak_;
  std::vector<dnalm::io::sequence_record> records_;
  dnalm::forward_workspace workspace_;
  repetitions pass_times_;
  repetitions map_times_;
  double work_ = 0;
  index_t count_ = 0;
  double entropy_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = [](CLI::App& app, arguments& a) {
    app.add_option("--formats", a.formats, "f32, bf16, int8");
  };
  const auto measure = [](const arguments& a, report& out) {
    for (const auto format : parse_formats(a.formats)) masked_map_bench(a, format).run(out);
  };
  return run_program(argc, argv, {"bench_masked_map", "Masked maps beside the forward passes that they take"},
                     arguments{{.limit = 2}}, options, measure);
}
