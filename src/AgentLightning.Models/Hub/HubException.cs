namespace AgentLightning.Models.Hub;

/// <summary>
/// A hub did not give what it was asked for. The message says which file, what was expected and what came, and never holds the token.
/// </summary>
public sealed class HubException(string message, Exception? innerException = null) : IOException(message, innerException);
