import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Serves MongoDB's protocol from memory: {@code java -cp 'jars/*' Serve.java HOST PORT}. */
public class Serve {

    /** What it says that it is. Today's drivers refuse the newest of its own versions, and work with it. */
    private static final class Version implements MongoVersion {
        @Override
        public int getWireVersion() {
            return 13;
        }

        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0, 0);
        }
    }

    public static void main(String[] told) {
        var server = new MongoServer(new MemoryBackend().version(new Version()));
        server.bind(told[0], Integer.parseInt(told[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    }
}
