// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Caduceus through load_model(folder, on_cuda()): for the emulated GPU and a real one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <unit/cuda/convolution_model_runs.hpp>
#include <unit/models/caduceus_runs.hpp>

namespace dnalm_test {

/// Hidden states and logits of a golden case within 1e-4, its gradients within 1e-4 of their largest number
/// or four times PyTorch's own error in float.
inline void check_caduceus_golden(const std::string& name) {
  INFO(name);
  const auto model = loaded_on_gpu(golden_caduceus / name);
  const expected_sequences expected(golden_caduceus, name);
  const double worst = worst_of_loaded(expected, model, false);
  if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
  CHECK(worst < 1e-4);
  check_gaps(gradients_of_loaded(expected, model));
}

/// Sequences of one chunk of the scan and of several.
inline void check_caduceus_batches() {
  for (const char* name : {"ph", "ps"}) {
    INFO(name);
    check_alone(loaded_on_gpu(golden_caduceus / name), random_tokens({70, 1, 17, 64}, 12));
  }
}

/// A sequence whose bases a c g t are 7 8 9 10, and its reverse complement.
inline void check_caduceus_strands(const std::string& name) {
  INFO(name);
  const auto model = loaded_on_gpu(golden_caduceus / name);
  packed_batch given;
  dnalm::philox random(9, dnalm::hash_name("strands"));
  for (int i = 0; i < 90; ++i) given.ids.push_back(7 + static_cast<std::int32_t>(random.below(5)));
  given.offsets.append(90);
  packed_batch other = given;
  std::reverse(other.ids.begin(), other.ids.end());
  for (std::int32_t& id : other.ids) id = id <= 10 ? 17 - id : id;
  const auto ahead = outputs_of(model, given);
  const auto back = outputs_of(model, other);
  for (std::size_t layer = 0; layer + 1 < ahead.size(); ++layer) {  // behind them the logits
    INFO("hidden state " << layer);
    const auto whole = part_of(back[layer], other, 0);
    const std::vector<float> turned(whole.rbegin(), whole.rend());  // positions, strands and channels
    CHECK(same_bits(std::span<const float>(turned), part_of(ahead[layer], given, 0)));
    CHECK_FALSE(same_bits(whole, part_of(ahead[layer], given, 0)));
  }
}

/// The poolings of the cpu, recorded ones too.
inline void check_caduceus_poolings() {
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAAGATTACACC", std::string(70, 'G')};
  for (const char* name : {"ph", "ps"}) {
    INFO(name);
    const auto folder = golden_caduceus / name;
    const auto cpu = dnalm::load_model(folder);
    const auto gpu = loaded_on_gpu(folder);
    for (int time = 0; time < 3; ++time) CHECK(pooled_gap(gpu, cpu, sequences) < 1e-4);
  }
}

/// With 16-bit weights: 5 products a block and the head's, each with two factors rounded by 2^-9, one after
/// another.
inline void check_half_caduceus() {
  const auto half = loaded_on_gpu(golden_caduceus / "ps", {.precision = dnalm::cuda_precision::bf16});
  const double worst = worst_of_loaded({golden_caduceus, "ps"}, half, true);
  if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN("bf16: " << worst);
  CHECK(worst < 32 * 0x1p-9);
  CHECK(worst > 0x1p-12);  // it is another arithmetic than float's
}

/// Random twins are the same from the model and from its folder, and differ from it.
inline void check_caduceus_twins() {
  const packed_batch batch = random_tokens({5, 9}, 12);
  const auto folder = golden_caduceus / "ps";
  const auto original = loaded_on_gpu(folder);
  const auto twin = outputs_of(dnalm::random_twin(original, 3), batch);
  const auto again = outputs_of(dnalm::random_twin(folder, 3, on_gpu()), batch);
  REQUIRE(twin.size() == again.size());
  for (std::size_t o = 0; o < twin.size(); ++o)
    CHECK(same_bits(part_of(twin[o], batch, 1), part_of(again[o], batch, 1)));
  CHECK_FALSE(
      same_bits(part_of(twin.back(), batch, 1), part_of(outputs_of(original, batch).back(), batch, 1)));
}

}  // namespace dnalm_test
