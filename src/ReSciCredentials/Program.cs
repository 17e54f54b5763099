namespace ReSciCredentials;

internal static class Program
{
    private static void Main()
    {
    }
}
