// SPDX-License-Identifier: Apache-2.0
// Random models of the published kinds, width 512, 4 blocks, on a real GPU: beside the CPU, and bit for bit
// whatever runs with a sequence.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/embed.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models.hpp>
#include <dnalm/models/on_cuda.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/small_models.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::cuda_precision;
using dnalm::index_t;
using dnalm::pooling;

/// A configuration with some of its numbers replaced.
void resize(const std::filesystem::path& file) {
  auto config = dnalm::io::read_json_file(file);
  config["hidden_size"] = 512;
  config["intermediate_size"] = 2048;
  config["num_attention_heads"] = 8;
  config["num_hidden_layers"] = 4;
  config["max_position_embeddings"] = 2050;
  config["initializer_range"] = 0.05;
  dnalm_test::write_text(file, config.dump());
}

class middle_model {
 public:
  explicit middle_model(const std::string& kind) : folder_("gpu") {
    if (kind == "NT-v2") {
      dnalm_test::write_nt_v2_folder(folder_.path());
      dnalm_test::write_text(
          folder_ / "tokenizer_config.json",
          R"({"eos_token": null, "model_max_length": 2048, "tokenizer_class": "EsmTokenizer"})");
    } else {
      dnalm_test::write_dnabert2_folder(folder_.path());
    }
    resize(folder_ / "config.json");
  }
  [[nodiscard]] dnalm::model on_cpu() const {
    return dnalm::random_twin(folder_.path(), 1, {.unknown = dnalm::unknown_policy::n});
  }
  [[nodiscard]] dnalm::model on_gpu(cuda_precision precision) const {
    return dnalm::random_twin(
        folder_.path(), 1, dnalm::on_cuda({.precision = precision}, {.unknown = dnalm::unknown_policy::n}));
  }

 private:
  dnalm_test::temporary_folder folder_;
};

/// Lengths that make short and long attention, and batches of several blocks.
std::vector<std::string> middle_sequences() {
  std::vector<std::string> sequences;
  const index_t lengths[] = {30, 230, 500, 1000, 3000, 60, 230, 17};
  for (std::uint64_t i = 0; i < 40; ++i) {
    sequences.push_back(dnalm_test::random_sequence(i, lengths[i % 8] + static_cast<index_t>(i)));
  }
  return sequences;
}

const dnalm::embed_options poolings{.poolings = {pooling::mean, pooling::cls, pooling::max}};

struct closeness {
  double gap = 0.0;     ///< largest difference over the largest number
  double cosine = 1.0;  ///< least of all rows
};
closeness compare(const dnalm::nd_array<float, 2>& x, const dnalm::nd_array<float, 2>& y) {
  REQUIRE(x.shape(0) == y.shape(0));
  REQUIRE(x.shape(1) == y.shape(1));
  closeness result;
  double largest = 0.0;
  for (std::size_t r = 0; r < x.shape(0); ++r) {
    double xx = 0.0;
    double yy = 0.0;
    double xy = 0.0;
    for (std::size_t c = 0; c < x.shape(1); ++c) {
      const auto a = static_cast<double>(x(r, c));
      const auto b = static_cast<double>(y(r, c));
      const double gap = std::abs(a - b);
      result.gap = std::isnan(gap) ? 1e300 : std::max(result.gap, gap);
      largest = std::max(largest, std::abs(b));
      xx += a * a;
      yy += b * b;
      xy += a * b;
    }
    const double cosine = xy / std::sqrt(xx * yy);
    result.cosine = std::isnan(cosine) ? -1.0 : std::min(result.cosine, cosine);
  }
  result.gap /= largest;
  return result;
}

/// Sequence s of `x` has the bits of sequence place(s) of `y`.
template <class Place>
void check_same_bits(const dnalm::embeddings& x, const dnalm::embeddings& y, std::size_t count,
                     const Place& place) {
  for (const pooling kind : poolings.poolings) {
    for (const index_t layer : x.layers) {
      const auto& a = x.at(kind, layer);
      const auto& b = y.at(kind, layer);
      std::size_t different = 0;
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t c = 0; c < a.shape(1); ++c) different += a(s, c) == b(place(s), c) ? 0 : 1;
      }
      INFO(dnalm::to_string(kind) << " layer " << layer);
      CHECK(different == 0);
    }
  }
}

}  // namespace

TEST_CASE("gpu: models of middle size give what the CPU gives", "[gpu][models]") {
  const std::vector<std::string> sequences = middle_sequences();
  for (const std::string kind : {"NT-v2", "DNABERT-2"}) {
    const middle_model network(kind);
    const dnalm::embeddings cpu = dnalm::embed(network.on_cpu(), sequences, poolings);
    const dnalm::embeddings f32 = dnalm::embed(network.on_gpu(cuda_precision::f32), sequences, poolings);
    const dnalm::embeddings bf16 = dnalm::embed(network.on_gpu(cuda_precision::bf16), sequences, poolings);
    REQUIRE(cpu.layers.size() == 5);
    CHECK(cpu.token_ids == f32.token_ids);
    for (const pooling how : poolings.poolings) {
      for (const index_t layer : cpu.layers) {
        const closeness exact = compare(f32.at(how, layer), cpu.at(how, layer));
        const closeness half = compare(bf16.at(how, layer), cpu.at(how, layer));
        INFO(kind << " " << dnalm::to_string(how) << " layer " << layer << ": " << exact.gap << ", cosine "
                  << half.cosine);
        if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN("measured");
        CHECK(exact.gap < 1e-4);
        CHECK(half.cosine >= 0.999);
      }
    }
  }
}

TEST_CASE("gpu: a sequence has the same bits alone, in another order and in other batches", "[gpu][models]") {
  const std::vector<std::string> sequences = middle_sequences();
  const std::size_t count = sequences.size();
  const std::vector<std::string> turned(sequences.rbegin(), sequences.rend());
  for (const std::string kind : {"NT-v2", "DNABERT-2"}) {
    const middle_model network(kind);
    for (const cuda_precision precision : {cuda_precision::f32, cuda_precision::bf16}) {
      INFO(kind << " precision " << static_cast<int>(precision));
      const dnalm::model gpu = network.on_gpu(precision);
      const dnalm::embeddings all = dnalm::embed(gpu, sequences, poolings);
      for (const index_t batch : {1, 3, 64}) {
        dnalm::embed_options options = poolings;
        options.batch_sequences = batch;
        INFO("batches of " << batch);
        check_same_bits(all, dnalm::embed(gpu, turned, options), count,
                        [&](std::size_t s) { return count - 1 - s; });
      }
      for (const std::size_t one : {std::size_t{0}, std::size_t{4}, std::size_t{39}}) {
        const dnalm::embeddings alone = dnalm::embed(gpu, std::vector{sequences[one]}, poolings);
        check_same_bits(alone, all, 1, [&](std::size_t) { return one; });
      }
    }
  }
}

TEST_CASE("gpu: two threads that share a model get the bits of one", "[gpu][models]") {
  const std::vector<std::string> sequences = middle_sequences();
  const middle_model network("NT-v2");
  for (const cuda_precision precision : {cuda_precision::f32, cuda_precision::bf16}) {
    const dnalm::model gpu = network.on_gpu(precision);
    const dnalm::embeddings expected = dnalm::embed(gpu, sequences, poolings);
    std::vector<dnalm::embeddings> found(2);
    const auto run = [&](std::size_t which) {
      for (int i = 0; i < 3; ++i) found[which] = dnalm::embed(gpu, sequences, poolings);
    };
    std::thread other(run, 1);
    run(0);
    other.join();
    for (const dnalm::embeddings& one : found) {
      check_same_bits(expected, one, sequences.size(), [](std::size_t s) { return s; });
    }
  }
}

TEST_CASE("gpu: a small model from text to vectors", "[gpu][models][sanitize]") {
  const dnalm_test::temporary_folder folder("gpu");
  dnalm_test::write_nt_v2_folder(folder.path());
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAGATTACACCGATT", "CATGCA"};
  const dnalm::embeddings cpu = dnalm::embed(dnalm::random_twin(folder.path(), 1), sequences, poolings);
  for (const auto& [precision, bound] :
       {std::pair{cuda_precision::f32, 1e-4}, std::pair{cuda_precision::tf32, 60 * 0x1p-12},
        std::pair{cuda_precision::f16, 60 * 0x1p-12}, std::pair{cuda_precision::bf16, 60 * 0x1p-9}}) {
    const dnalm::model gpu = dnalm::random_twin(folder.path(), 1, dnalm::on_cuda({.precision = precision}));
    const dnalm::embeddings found = dnalm::embed(gpu, sequences, poolings);
    for (const pooling how : poolings.poolings) {
      for (const index_t layer : cpu.layers) {
        CHECK(compare(found.at(how, layer), cpu.at(how, layer)).gap < bound);
      }
    }
  }
}
