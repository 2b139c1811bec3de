// SPDX-License-Identifier: Apache-2.0
// One pass over any number of sequences; blocks are handed on as they are finished, nothing is kept.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/models/load_model.hpp>

class printing_sink final : public dnalm::embedding_sink {
 public:
  void begin(const dnalm::embedding_shape& shape) override {
    std::cout << shape.sequences << " sequences, " << shape.tokens << " tokens, width " << shape.width
              << "\n";
  }
  void consume(dnalm::index_t first, const dnalm::embedding_block& block) override {
    for (dnalm::index_t s = 0; s < block.sequences; ++s) {
      std::cout << "sequence " << first + s << ": " << block.offsets.length(s) << " tokens, "
                << block.values.size() << " vectors\n";
    }
  }
};

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<dnalm::io::sequence_record> peaks = {{.name = "a", .sequence = "ATTCCGATTCCG"},
                                                         {.name = "b", .sequence = "ACGTACGTNACGT"}};
  printing_sink sink;
  dnalm::embed(model, peaks, {.layers = {2, 4}, .poolings = {dnalm::pooling::mean, dnalm::pooling::max}},
               sink);
}
