namespace AgentLightning.Storage;

/// <summary>
/// Tells all servers on a store that something changed which they keep in memory. A notice is a hint to read anew: it may come more than
/// once, and of several changes that follow each other closely one may be told.
/// </summary>
/// <remarks>
/// In the process that made the change it comes before the write returns. From others it comes at once on PostgreSQL, and on SQLite
/// within a second, since a file tells nobody that it changed.
/// </remarks>
public interface IChangeNotices
{
    /// <summary>
    /// Calls <paramref name="changed"/> with the subject of each change of a topic from now on, until what is returned is disposed. It is
    /// called on the thread of the writer or one of the pool and must be quick; what it throws is lost.
    /// </summary>
    IDisposable Subscribe(string topic, Action<string> changed);
}
