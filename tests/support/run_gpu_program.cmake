# cmake -DPROGRAM=<path> -P tests/support/run_gpu_program.cmake
# Runs a program that uses a GPU: it describes the GPU and ends with 0 or, where there is none that it can use, names that
# error and ends with the exit code of its kind.
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
message("${output}")
if(status EQUAL 0 AND output MATCHES ", sm_[0-9]+, ")
  return()
endif()
if(status EQUAL 5 AND output MATCHES "^.dnalm.device.60[3-7].: ")
  return()
endif()
message(FATAL_ERROR "exit code ${status}")
