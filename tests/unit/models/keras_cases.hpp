// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden Keras models as model folders. Needs HDF5.
#pragma once

#include <filesystem>

#include <support/keras_folder.hpp>
#include <unit/models/supervised_runs.hpp>

#if defined(DNALM_WITH_HDF5)
namespace dnalm_test {

/// A folder of tests/golden/supervised, its file, and the config.json of the converted model.
struct keras_case {
  const char* name = "";
  const char* file = "";
  const char* config = R"({"model_type": "keras"})";
};

inline constexpr keras_case keras_cases[] = {
    {"rep_cnn", "model.h5"},
    {"resnet", "model.h5"},
    {"mprann", "model.h5"},
    {"rep_mlp", "model.h5"},
    {"chip_cnn", "model.h5"},
    {"mtsplice_study", "model.h5"},
    {"deepstarr", "DeepSTARR.model.h5",
     R"({"model_type": "deepstarr", "keras_model": "DeepSTARR.model.json"})"},
    {"deepstarr", "DeepSTARR.model.h5",
     R"({"model_type": "keras", "keras_model": "DeepSTARR.model.json", "unknown_letter": "T"})"},
    {"bpnet", "bias_model_scaled.h5"},
    {"chrombpnet", "chrombpnet.h5"},
};

/// Makes the model folder of a case in an empty folder.
inline void write_keras_case(const keras_case& c, const std::filesystem::path& folder) {
  const std::filesystem::path golden = golden_supervised / c.name;
  write_keras_folder(golden / c.file, folder, c.config);
  const std::filesystem::path description = golden / "DeepSTARR.model.json";
  if (std::filesystem::exists(description)) {
    std::filesystem::copy_file(description, folder / description.filename());
  }
}

}  // namespace dnalm_test
#endif
