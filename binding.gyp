# Hands node-gyp (and so `npm install` and prebuildify) over to CMakeLists.txt: the sources are listed there alone.
{
  "targets": [
    {
      "target_name": "gauntlet",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt", "scripts/build-native.cjs"],
          "outputs": ["<(PRODUCT_DIR)/gauntlet.node"],
          "action": ["node", "scripts/build-native.cjs", "--out", "<(PRODUCT_DIR)", "--node-dir", "<(node_root_dir)"]
        }
      ]
    }
  ]
}
