// SPDX-License-Identifier: Apache-2.0
// The weights of a Keras .h5 file, in the order of its layers, and what it says about the model.
#include <iostream>
#include <string>

#include <dnalm/io/keras_checkpoint.hpp>

int main(int, char** argv) {
  const dnalm::io::keras_checkpoint file(std::string(argv[1]) + "/tests/golden/keras/model.h5");
  for (const auto& info : file.tensors()) {
    std::cout << info.name << " " << dnalm::to_string(info.type) << " " << dnalm::io::shape_text(info.shape)
              << "\n";
  }
  std::cout << file.description().keras_version << " " << file.description().model_config << "\n";
}
