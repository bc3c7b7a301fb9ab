#!/bin/sh
# A batch system of one machine: runs the job script in the background and prints its number.
nohup sh "$1" >/dev/null 2>&1 &
echo $!
