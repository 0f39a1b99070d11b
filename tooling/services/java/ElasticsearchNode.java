import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.KeyStoreWrapper;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs one Elasticsearch 8 or 9 node in this JVM, from an unpacked home and a config folder of its own.
 *
 * <p>The distribution's launcher is not on Maven Central (9) or starts a second JVM and refuses root (8). The node, its
 * modules and its HTTP layer are the released ones; the entitlement sandbox, which the launcher would add, is not active.
 *
 * <p>Arguments: home, config folder. A password for the user `elastic` comes in the variable ELASTIC_PASSWORD and is put
 * into the node's keystore as `bootstrap.password`, as the container image does it.
 */
public final class ElasticsearchNode {
  private ElasticsearchNode() {}

  public static void main(String[] args) throws Exception {
    Path home = Path.of(args[0]).toAbsolutePath();
    Path config = Path.of(args[1]).toAbsolutePath();
    LogConfigurator.configureESLogging();
    LogConfigurator.registerErrorListener();
    try {
      Settings.Builder initial = Settings.builder();
      String password = System.getenv("ELASTIC_PASSWORD");
      if (password != null) {
        KeyStoreWrapper keystore = KeyStoreWrapper.create();
        keystore.setString("bootstrap.password", password.toCharArray());
        initial.setSecureSettings(keystore);
      }
      Environment environment = InternalSettingsPreparer.prepareEnvironment(
          initial.build(), Map.of("path.home", home.toString()), config, () -> "node-1");
      LogConfigurator.setNodeName("node-1");
      LogConfigurator.configure(environment, true);
      PluginsLoader plugins = PluginsLoader.createPluginsLoader(
          PluginsLoader.loadModulesBundles(home.resolve("modules")),
          Set.of(),
          Map.of());
      Node node = new Node(environment, plugins);
      Thread main = Thread.currentThread();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> {
        try {
          node.close();
        } catch (Exception e) {
          e.printStackTrace();
        }
      }));
      node.start();
      main.join();
    } catch (Throwable failure) {
      failure.printStackTrace();
      System.exit(1);
    }
  }
}
