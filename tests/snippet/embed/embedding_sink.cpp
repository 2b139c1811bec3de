// SPDX-License-Identifier: Apache-2.0
// A sink of your own: the mean vector of all sequences, whatever their number, in the memory of one.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/embed/embedding_sink.hpp>
#include <dnalm/models/load_model.hpp>

class centroid final : public dnalm::embedding_sink {
 public:
  std::vector<double> sum;
  dnalm::index_t sequences = 0;

  void begin(const dnalm::embedding_shape& shape) override {
    sum.assign(static_cast<std::size_t>(shape.width), 0.0);
  }
  void consume(dnalm::index_t, const dnalm::embedding_block& block) override {
    const auto values = block.values[0].view();  // the only pooling and layer asked for
    for (dnalm::index_t s = 0; s < values.rows; ++s) {
      for (dnalm::index_t d = 0; d < values.columns; ++d) sum[static_cast<std::size_t>(d)] += values(s, d);
    }
    sequences += block.sequences;
  }
};

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<dnalm::io::sequence_record> peaks = {{.name = "a", .sequence = "ATTCCGATTCCG"},
                                                         {.name = "b", .sequence = "ACGTACGTNACGT"}};
  centroid sink;
  dnalm::embed(model, peaks, {.layers = dnalm::last_layer}, sink);
  std::cout << "centroid of " << sink.sequences << " sequences, width " << sink.sum.size() << "\n";
}
