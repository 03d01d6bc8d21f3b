namespace AgentLightning.Models.Ports.Tinker;

/// <summary>A server that trains did not do what it was asked for; the message says why, as far as the server told.</summary>
public sealed class TinkerException(string message, Exception? inner = null) : IOException(message, inner);
