import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Runs one OpenSearch node in this JVM. Arguments: HTTP port, transport port, folder for its config, data and logs. */
public final class OpenSearchNode {
  private OpenSearchNode() {}

  public static void main(String[] args) throws Exception {
    OpenSearchRunner runner = new OpenSearchRunner();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        runner.close();
      } catch (Exception e) {
        e.printStackTrace();
      }
    }));
    runner
        .onBuild((number, settings) -> {
          settings.put("http.port", args[0]);
          settings.put("transport.port", args[1]);
          settings.put("network.host", "127.0.0.1");
          settings.put("discovery.type", "single-node");
          settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
          settings.putList("discovery.seed_hosts");
          settings.putList("node.roles", "cluster_manager", "data", "ingest");
        })
        .build(OpenSearchRunner.newConfigs().clusterName("pulsar-io").numOfNode(1).basePath(args[2]).useLogger());
    Thread.currentThread().join();
  }
}
