// SPDX-License-Identifier: Apache-2.0
// An evaluation whose statistics are gathered on the emulated GPU gives the results of one on the CPU.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/detail/gather.cuh>
#include <dnalm/cuda/detail/moments.cuh>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/report/evaluation.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/runtime.hpp>
#include <support/small_models.hpp>
#include <support/temporary_folder.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace report = dnalm::report;
using dnalm::index_t;

namespace {

/// Sequences labelled with how many of their letters are G or C, and, but for some, how many are A.
dnalm::io::sequence_table labelled_sequences(int rows) {
  dnalm::io::sequence_table table;
  table.file = "memory";
  table.targets = {"gc", "a"};
  dnalm::philox random(11);
  for (int i = 0; i < rows; ++i) {
    dnalm::io::sequence_record record;
    record.name = "s" + std::to_string(i);
    const auto length = 18 + random.below(12);
    double gc = 0.0;
    double a = 0.0;
    for (std::uint64_t base = 0; base < length; ++base) {
      const char letter = "ACGT"[random.below(4)];
      gc += letter == 'G' || letter == 'C' ? 1.0 : 0.0;
      a += letter == 'A' ? 1.0 : 0.0;
      record.sequence.push_back(letter);
    }
    record.labels = {gc + 0.1 * random.normal(), i % 9 == 0 ? std::nan("") : a};
    record.number = i;
    table.records.push_back(record);
  }
  return table;
}

/// Counts what it makes.
class counted_maker : public dnalm::ridge_accumulator_maker {
 public:
  [[nodiscard]] bool fits(const dnalm::ridge_shape& shape, index_t count) const override {
    return roomy && maker_.fits(shape, count);
  }
  [[nodiscard]] std::unique_ptr<dnalm::ridge_accumulator> make(
      const dnalm::ridge_shape& shape) const override {
    ++made;
    return maker_.make(shape);
  }
  bool roomy = true;
  mutable int made = 0;

 private:
  dnalm::cuda_ridge_maker maker_;
};

std::vector<report::result_row> evaluated(const dnalm::io::sequence_table& table, const dnalm::model& loaded,
                                          std::shared_ptr<const dnalm::ridge_accumulator_maker> maker,
                                          const std::string& layers = "0,2,4") {
  const dnalm_test::temporary_folder folder;
  report::result_folder out(folder / "out");
  report::evaluation_options options;
  options.resamples = 0;
  options.threads = 2;
  options.baselines = {};
  options.task = dnalm::task_kind::regression;
  options.layers = dnalm::parse_layers(layers);
  options.display = dnalm::progress_display::never;
  options.statistics = std::move(maker);
  report::evaluation evaluation(table, options, out);
  evaluation.add_model("bundled", loaded);
  return evaluation.rows();
}

}  // namespace

TEST_CASE("an evaluation with statistics gathered on a GPU", "[cuda][moments]") {
  const auto table = labelled_sequences(260);
  const dnalm::model loaded = dnalm::load_model(std::filesystem::path(DNALM_SOURCE_DIR) /
                                                "examples/data/models/dnalm-yeast-human-nt2");
  const auto on_cpu = evaluated(table, loaded, nullptr);
  const auto maker = std::make_shared<counted_maker>();
  const auto on_gpu = evaluated(table, loaded, maker);
  CHECK(maker->made == 3);
  REQUIRE(on_gpu.size() == on_cpu.size());
  REQUIRE(on_gpu.size() == 3 * 2 * 4);  // layers, targets, scores
  for (std::size_t i = 0; i < on_cpu.size(); ++i) {
    INFO(on_cpu[i].layer << " " << on_cpu[i].target << " " << on_cpu[i].metric);
    CHECK(on_gpu[i].layer == on_cpu[i].layer);
    CHECK(on_gpu[i].metric == on_cpu[i].metric);
    CHECK(on_gpu[i].lambda == on_cpu[i].lambda);
    // Moments equal to 1e-12, solved with penalties of at least 1e-4 of the features' size.
    CHECK(std::abs(on_gpu[i].value - on_cpu[i].value) <= 1e-6 * std::max(1.0, std::abs(on_cpu[i].value)));
  }
  maker->roomy = false;  // then the rows themselves are kept
  CHECK(evaluated(table, loaded, maker).size() == on_cpu.size());
  CHECK(maker->made == 3);
}

TEST_CASE("an evaluation whose vectors stay on the GPU has the results of one that copies them",
          "[cuda][moments]") {
  const dnalm_test::temporary_folder folder;
  dnalm_test::write_nt_v2_folder(folder.path());
  const dnalm::model network = dnalm::random_twin(folder.path(), 3, dnalm_test::on_gpu());
  const auto table = labelled_sequences(150);
  const auto& memory = dnalm_test::gpu::device_memory();
  const dnalm::index_t before = memory.downloaded();
  const auto copied = evaluated(table, network, std::make_shared<counted_maker>(), "0,1,2");
  const dnalm::index_t between = memory.downloaded();
  const auto stayed = evaluated(table, network, std::make_shared<dnalm::cuda_ridge_maker>(), "0,1,2");
  CHECK(memory.downloaded() - between < between - before);
  REQUIRE(stayed.size() == copied.size());
  REQUIRE(stayed.size() == 3 * 2 * 4);  // layers, targets, scores
  for (std::size_t i = 0; i < copied.size(); ++i) {
    INFO(copied[i].layer << " " << copied[i].target << " " << copied[i].metric);
    CHECK(stayed[i].layer == copied[i].layer);
    CHECK(stayed[i].metric == copied[i].metric);
    CHECK(stayed[i].value == copied[i].value);
  }
}
