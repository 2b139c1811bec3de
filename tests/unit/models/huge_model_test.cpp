// SPDX-License-Identifier: Apache-2.0
// Checkpoints as the 2.5B Nucleotide Transformer is published (two shards, column-major matrices): what is
// read is what lies in the files, and the peak of memory stays near the weights. The full size is hidden
// behind the tag [huge] and the environment variable DNALM_HUGE_MODEL_DIR: 10.2 GB of disk, 11 GB of memory,
// minutes.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>
#include <support/torch_shards.hpp>

namespace {

using dnalm::index_t;
using dnalm::io::file_access;
namespace fs = std::filesystem;

std::vector<dnalm_test::shard_tensor> write_folder(const fs::path& folder, const std::string& config) {
  dnalm_test::write_text(folder / "config.json", config);
  const auto plan = dnalm::plan_tensors(dnalm::read_encoder_config(folder));
  const auto tensors = dnalm_test::shard_tensors(plan, dnalm_test::is_column_major);
  dnalm_test::write_two_shards(folder, tensors, 0.97);
  return tensors;
}

const std::string small_config = dnalm_test::nt_v1_config(2, 160, 4, 72, 37, 130);

/// Hidden states and logits of a fixed sequence.
std::vector<float> run(const dnalm::model& network, index_t tokens) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens), 3);
  const auto words = network.describe().vocabulary() - 6;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>(6 + (static_cast<index_t>(i) * 1237) % words);
  }
  dnalm::ragged_offsets offsets;
  offsets.append(tokens);
  dnalm::forward_workspace workspace;
  std::vector<float> numbers;
  const auto keep = [&](dnalm::matrix_view<const float> x) {
    const auto last = x.row(x.rows - 1);
    numbers.insert(numbers.end(), last.begin(), last.end());
  };
  network.forward(
      {ids, offsets}, [&](index_t, dnalm::matrix_view<const float> x) { keep(x); }, keep, workspace);
  return numbers;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A field of /proc/self/status in bytes; 0 where there is none.
index_t memory_field(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) return 1024 * std::atoll(line.c_str() + name.size() + 1);
  }
  return 0;
}

/// Makes the peak the present use of memory; false where the system does not offer it.
bool reset_peak() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5";
  clear.close();
  return clear.good();
}

}  // namespace

TEST_CASE("shards with column-major matrices are read element by element as they were written",
          "[models][shards]") {
  const dnalm_test::temporary_folder folder("shards");
  const auto tensors = write_folder(folder.path(), small_config);
  for (const file_access access : {file_access::mapped, file_access::buffered}) {
    const auto weights = dnalm::io::checkpoint::open(folder.path(), access);
    REQUIRE(weights.tensors().size() == tensors.size());
    index_t down = 0;
    for (int round = 0; round < 2; ++round) {  // again after the pages were given back
      for (const auto& tensor : tensors) {
        INFO(tensor.name);
        REQUIRE(weights.info(tensor.name).shape == tensor.shape);
        const std::vector<float> values = weights.read(tensor.name);
        const std::uint64_t hash = dnalm::hash_name(tensor.name);
        const index_t columns = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
        for (index_t i = 0; i < tensor.size(); ++i) {
          const index_t place = tensor.shape.size() == 2
                                    ? i / columns * tensor.strides[0] + i % columns * tensor.strides[1]
                                    : i;
          const float expected = dnalm_test::stored_number(tensor, hash, place);
          if (values[static_cast<std::size_t>(i)] != expected) FAIL("element " << i);
        }
        down += tensor.strides[0] == 1 && tensor.shape.size() == 2 ? 1 : 0;
      }
    }
    REQUIRE(down == 2 * (2 * 6 + 2));  // six matrices of a block, two of the head
  }
}

TEST_CASE("a model gives the same numbers mapped and buffered", "[models][shards]") {
  const dnalm_test::temporary_folder folder("shards_access");
  write_folder(folder.path(), small_config);
  const auto mapped = dnalm::load_model(folder.path());
  const auto buffered = dnalm::load_model(folder.path(), {.access = file_access::buffered});
  const auto expected = run(mapped, 100);
  REQUIRE(expected.size() == 3 * 160 + 37);
  REQUIRE(std::all_of(expected.begin(), expected.end(), [](float x) { return std::isfinite(x); }));
  REQUIRE(run(buffered, 100) == expected);
}

TEST_CASE("a file that is shortened while it is read buffered is an error, not a signal",
          "[models][shards]") {
  const dnalm_test::temporary_folder folder("shards_cut");
  const auto tensors = write_folder(folder.path(), small_config);
  const auto weights = dnalm::io::checkpoint::open(folder.path(), file_access::buffered);
  (void)weights.read(tensors.front().name);
  const fs::path first = folder.path() / "pytorch_model-00001-of-00002.bin";
  fs::resize_file(first, 4096);
  REQUIRE(dnalm_test::error_id_of([&] {
            for (const auto& tensor : tensors) (void)weights.read(tensor.name);
          }) == "dnalm.io.299");
}

TEST_CASE("pages of a checkpoint are given back tensor by tensor", "[models][shards]") {
  const dnalm_test::temporary_folder folder("shards_pages");
  // 12 matrices of 2.25 MiB and two of 1 MiB: reading all keeps less than two of them in memory.
  const auto tensors = write_folder(folder.path(), dnalm_test::nt_v1_config(2, 768, 4, 768, 341, 64));
  for (const file_access access : {file_access::mapped, file_access::buffered}) {
    const auto weights = dnalm::io::checkpoint::open(folder.path(), access);
    std::vector<float> values(768 * 768);
    const std::string field = access == file_access::mapped ? "RssFile" : "RssAnon";
    const index_t before = memory_field(field);
    if (before == 0) WARN("no " << field << " in /proc/self/status: not checked");
    index_t most = 0;
    for (const auto& tensor : tensors) {
      weights.read(tensor.name, std::span<float>(values).first(static_cast<std::size_t>(tensor.size())));
      most = std::max(most, memory_field(field) - before);
    }
    INFO(field << " grew by " << most);
    REQUIRE(most < 3 << 20);
  }
}

TEST_CASE("a 2.5B Nucleotide Transformer loads and runs within 1.2 times its weights", "[.][huge]") {
  const char* place = std::getenv("DNALM_HUGE_MODEL_DIR");
  if (place == nullptr) {
    std::printf("skipped: DNALM_HUGE_MODEL_DIR names no folder with 11 GB of free disk\n");
    return;
  }
  const fs::path folder = fs::path(place) / "dnalm_huge_model";
  const bool buffered = std::getenv("DNALM_HUGE_MODEL_BUFFERED") != nullptr;
  fs::create_directories(folder);
  if (fs::space(folder).available < 11'000'000'000U && !fs::exists(folder / "pytorch_model.bin.index.json")) {
    std::printf("skipped: less than 11 GB of free disk in DNALM_HUGE_MODEL_DIR\n");
    return;
  }
  if (!fs::exists(folder / "pytorch_model.bin.index.json")) {
    write_folder(folder, dnalm_test::nt_v1_config(32, 2560, 20, 10240, 4105, 1002));
  }
  const bool fresh_peak = reset_peak();
  const index_t base = memory_field("VmRSS");
  const auto start = std::chrono::steady_clock::now();
  const auto network =
      dnalm::load_model(folder, {.access = buffered ? file_access::buffered : file_access::mapped});
  const double load_seconds = seconds_since(start);
  const index_t load_peak = memory_field("VmHWM");
  CHECK(network.describe().parameters == 2547801226);
  const double weights = 4.0 * static_cast<double>(network.describe().parameters);
  const auto run_start = std::chrono::steady_clock::now();
  const auto numbers = run(network, 1000);
  const double run_seconds = seconds_since(run_start);
  CHECK(numbers.size() == 33 * 2560 + 4105);
  CHECK(std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); }));
  const auto peak = static_cast<double>(memory_field("VmHWM"));
  CHECK(peak > weights);  // else the field is missing
  CHECK(peak < 1.2 * weights);
  WARN((buffered ? "buffered: " : "mapped: ")
       << "load " << load_seconds << " s, 1000 tokens " << run_seconds << " s, peak " << peak / 1e9
       << " GB = " << peak / weights << " times the weights (" << weights / 1e9 << " GB; after loading "
       << static_cast<double>(load_peak) / weights << "; before " << static_cast<double>(base) / 1e9
       << " GB; peak reset: " << (fresh_peak ? "yes" : "no") << ")");
  if (std::getenv("DNALM_HUGE_MODEL_KEEP") == nullptr) fs::remove_all(folder);
}
