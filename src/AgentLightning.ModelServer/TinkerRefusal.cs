using Microsoft.AspNetCore.Http;

namespace AgentLightning.ModelServer;

/// <summary>What a client got wrong, with the status that the wire has for it.</summary>
internal sealed class TinkerRefusal(int status, string message) : Exception(message)
{
    public int Status => status;

    public static TinkerRefusal Invalid(string message) => new(StatusCodes.Status400BadRequest, message);

    public static TinkerRefusal NotFound(string message) => new(StatusCodes.Status404NotFound, message);

    public static TinkerRefusal Conflict(string message) => new(StatusCodes.Status409Conflict, message);

    public static TinkerRefusal Busy(string message) => new(StatusCodes.Status429TooManyRequests, message);
}
